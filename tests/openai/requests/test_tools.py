"""Tools of a request, as they stand in the prompt and in the answer's context."""

import json
from typing import Any

import pytest

from harmony_server.openai.answer_context import DeclaredTool, ToolKind
from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.render_policy import NamespaceTools, RenderPolicy, Unsupported
from harmony_server.openai.request_errors import BodyErrorReason

from .rendering import (
    SYSTEM_WITH_TOOLS,
    USER,
    USER_TEXT,
    chat,
    chat_body,
    conversation,
    flat,
    function,
    notices,
    refusal,
    respond,
    text,
)

_NATIVE = RenderPolicy(namespace_tools=NamespaceTools.NATIVE)
_SCHEMA = {
    "type": "object",
    "properties": {"z": {"type": "string"}, "a": {"type": "number", "default": 1.5}},
    "required": ["z"],
}


def _section(*lines: str) -> str:
    body = "\n".join(lines)
    return (
        "<|start|>developer<|message|># Tools\n\n## functions\n\nnamespace functions {\n\n"
        f"{body}\n\n}} // namespace functions<|end|>"
    )


def test_functions_in_their_order() -> None:
    """Names, descriptions and the order of the schema's members survive."""
    tools = [function("f", description="Does.\nMore.", parameters=_SCHEMA), function("a")]
    prompt = chat(tools=tools)
    assert text(prompt).startswith(SYSTEM_WITH_TOOLS)
    assert conversation(prompt) == USER_TEXT.join(
        [
            _section(
                "// Does.",
                "// More.",
                "type f = (_: {",
                "z: string,",
                "a?: number, // default: 1.5",
                "}) => any;",
                "",
                "type a = () => any;",
            ),
            "",
        ]
    )


def test_instructions_stand_before_tools_and_tools_before_formats() -> None:
    """All in one developer message."""
    schema = {"name": "n", "schema": {}}
    shown = conversation(
        chat(
            messages=[{"role": "system", "content": "Be kind."}, USER],
            tools=[function("f")],
            response_format={"type": "json_schema", "json_schema": schema},
        )
    )
    positions = [
        shown.index(part) for part in ("# Instructions", "# Tools", "# Response Formats", "Hi.")
    ]
    assert positions == sorted(positions)
    assert shown.count("<|start|>developer") == 1


@pytest.mark.parametrize("absent", [{}, {"description": None, "parameters": None, "strict": None}])
def test_what_is_absent_is_left_out(absent: dict[str, Any]) -> None:
    """Neither a comment nor parameters."""
    assert conversation(chat(tools=[function("f", **absent)])) == (
        _section("type f = () => any;") + USER_TEXT
    )


def test_tools_of_both_apis_look_alike() -> None:
    """The Responses API has the name at the top level."""
    members: dict[str, Any] = {"description": "Does.", "parameters": _SCHEMA}
    in_chat = chat(tools=[function("f", **members)])
    in_response = respond(tools=[flat("f", **members)])
    assert in_chat.prompt_tokens == in_response.prompt_tokens
    assert in_chat.context.tools == in_response.context.tools
    assert in_chat.context.tools == (DeclaredTool(ToolKind.FUNCTION, "functions", "f", "f"),)


def test_the_legacy_functions() -> None:
    """They are tools, and the answer has at most one call, as `function_call`."""
    prompt = chat(functions=[{"name": "f", "description": "Does."}])
    assert conversation(prompt) == _section("// Does.", "type f = () => any;") + USER_TEXT
    assert prompt.context.legacy_function_call
    assert prompt.context.max_calls == 1
    assert not chat(tools=[function("f")]).context.legacy_function_call


def test_functions_exclude_tools() -> None:
    """A request has one of them."""
    assert refusal(chat, functions=[{"name": "f"}], tools=[function("g")]).field == "functions"


# Names


@pytest.mark.parametrize(
    ("names", "rendered"),
    [
        (["get_weather", "a-b.C9"], ["get_weather", "a-b.C9"]),
        (["Web Search"], ["Web_Search"]),
        (["a b", "a:b", "a/b"], ["a_b", "a_b_2", "a_b_3"]),
        (["a b", "a_b", "a_b_2"], ["a_b_3", "a_b", "a_b_2"]),
        (["functions.f"], ["f"]),
        (["погода", "<|end|>"], ["______", "__end__"]),
        (["f to=assistant\n"], ["f_to_assistant_"]),
    ],
)
def test_names_are_mapped_and_mapped_back(names: list[str], rendered: list[str]) -> None:
    """What a header cannot have becomes `_`; the context has what the client wrote."""
    prompt = chat(tools=[function(name) for name in names])
    lines = [f"type {name} = () => any;\n" for name in rendered]
    assert conversation(prompt) == _section("\n".join(lines)[:-1]) + USER_TEXT
    declared = prompt.context.tools
    assert [(tool.rendered_name, tool.name) for tool in declared] == list(
        zip(rendered, names, strict=True)
    )


def test_names_in_the_history_are_mapped_alike() -> None:
    """With the tools of the request, and without; different ones stay different."""
    calls = [
        {"id": name, "type": "function", "function": {"name": name}}
        for name in ("a b", "functions.a b", "a:b", "a_b")
    ]
    messages = [USER, {"role": "assistant", "tool_calls": calls}]
    shown = text(chat(messages=messages, tools=[function("a b")]))
    called = [part.split("<|")[0] for part in shown.split("<|start|>assistant to=functions.")[1:]]
    assert called == ["a_b", "a_b", "a_b_2", "a_b_3"]


@pytest.mark.parametrize("name", ["", "functions."])
def test_an_empty_name_is_refused(name: str) -> None:
    """A tool has to be called by something."""
    error = refusal(chat, tools=[function(name)])
    assert (error.field, error.reason) == (
        "tools[0].function.name",
        BodyErrorReason.INVALID_FIELD,
    )


def test_a_long_name_is_refused() -> None:
    """128 characters are enough."""
    chat(tools=[function("é" * 128)])
    error = refusal(chat, tools=[function("f"), function("é" * 129)])
    assert error.field == "tools[1].function.name"
    assert (error.reason, error.limit, error.maximum) == (
        BodyErrorReason.LIMIT_EXCEEDED,
        "MAX_NAME_CHARACTERS",
        128,
    )


@pytest.mark.parametrize("second", ["f", "functions.f"])
def test_duplicate_names_are_refused(second: str) -> None:
    """A prefix `functions.` does not make another name of it."""
    assert refusal(chat, tools=[function("f"), function(second)]).field == "tools[1].function.name"
    error = refusal(respond, tools=[flat("f"), flat(second, "custom")])
    assert error.field == "tools[1].name"


def test_many_tools_are_refused() -> None:
    """Also spread over namespaces."""
    chat(tools=[function(f"f{index}") for index in range(1024)])
    error = refusal(chat, tools=[function(f"f{index}") for index in range(1025)])
    assert (error.reason, error.limit) == (BodyErrorReason.LIMIT_EXCEEDED, "MAX_TOOLS")
    namespaces = [
        {"type": "namespace", "name": f"n{i}", "tools": [flat(f"f{j}") for j in range(128)]}
        for i in range(9)
    ]
    assert refusal(respond, tools=namespaces).limit == "MAX_TOOLS"


# Schemas


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ('{"a":1,"a":2}', "has an object in which a name stands twice"),
        ('{"x":[{"a":1,"a":1}]}', "has an object in which a name stands twice"),
        ('{"a":1e999}', "has a number that is out of range"),
        (f'{{"a":1{"0" * 400}}}', "has a number that is out of range"),
        ("[]", "must be an object"),
        ('"x"', "must be an object"),
        ("true", "must be an object"),
    ],
)
def test_schemas_that_cannot_be_rendered(parameters: str, reason: str) -> None:
    """They are refused with the place of the schema."""
    body = (
        f'{{"model":"m","messages":[{json.dumps(USER)}],"tools":[{{"type":"function",'
        f'"function":{{"name":"f","parameters":{parameters}}}}}]}}'
    )
    error = refusal(chat_body, body=body)
    assert (error.field, error.message) == ("tools[0].function.parameters", reason)


def test_numbers_of_schemas_keep_their_kind() -> None:
    """As in parameters of the core."""
    body = (
        f'{{"model":"m","messages":[{json.dumps(USER)}],"tools":[{{"type":"function","function":'
        '{"name":"f","parameters":{"type":"object","properties":{'
        '"a":{"type":"number","default":1.0},"b":{"type":"number","default":1},'
        '"c":{"type":"number","default":12345678901234567890},"d":{"type":"number","default":-0}'
        "}}}}]}"
    )
    shown = text(chat_body(body))
    assert "a?: number, // default: 1.0\nb?: number, // default: 1\n" in shown
    assert "c?: number, // default: 12345678901234567890\nd?: number, // default: 0\n" in shown


def test_strict_tools_are_a_hint() -> None:
    """The sidecar does not sample: the engine's grammar gets the schema."""
    prompt = respond(tools=[flat("a b", strict=True, parameters=_SCHEMA), flat("g", strict=False)])
    assert prompt.sampling.constraints_json is not None
    assert json.loads(prompt.sampling.constraints_json) == {
        "strict_tools": {"functions.a_b": _SCHEMA}
    }
    assert notices(prompt) == [(NoticeReason.NOT_ENFORCED, "tools[0].strict")]


# Custom tools and namespaces


def test_a_custom_tool_is_a_function_of_one_string() -> None:
    """The answer turns its calls back."""
    prompt = respond(tools=[flat("sh", "custom", description="Runs.", format={"type": "text"})])
    assert conversation(prompt) == (
        _section("// Runs.", "type sh = (_: {", "input: string,", "}) => any;") + USER_TEXT
    )
    assert prompt.context.tools == (DeclaredTool(ToolKind.CUSTOM, "functions", "sh", "sh"),)


def test_a_grammar_stands_below_the_description() -> None:
    """Its kind and its definition."""
    grammar = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"\nb: "c"'}
    prompt = respond(tools=[flat("patch", "custom", description="Patches.", format=grammar)])
    assert conversation(prompt) == (
        _section(
            "// Patches.",
            "// The input must match this grammar (lark):",
            '// start: "a"',
            '// b: "c"',
            "type patch = (_: {",
            "input: string,",
            "}) => any;",
        )
        + USER_TEXT
    )


def test_a_grammar_of_another_kind_is_refused() -> None:
    """So that it does not vanish."""
    tool = flat("sh", "custom", format={"type": "regex"})
    assert refusal(respond, tools=[tool]).field == "tools[0].format.type"


_NAMESPACE = {
    "type": "namespace",
    "name": "my mcp",
    "description": "Tools of mine.",
    "tools": [flat("f", description="Does."), flat("sh", "custom")],
}


def test_namespaces_are_flattened() -> None:
    """The namespace's description stands above the first of its tools."""
    prompt = respond(tools=[flat("g"), _NAMESPACE])
    assert conversation(prompt) == (
        _section(
            "type g = () => any;",
            "",
            "// Tools of mine.",
            "// Does.",
            "type my_mcp__f = () => any;",
            "",
            "type my_mcp__sh = (_: {",
            "input: string,",
            "}) => any;",
        )
        + USER_TEXT
    )
    assert prompt.context.tools == (
        DeclaredTool(ToolKind.FUNCTION, "functions", "g", "g"),
        DeclaredTool(ToolKind.FUNCTION, "functions", "my_mcp__f", "f", "my mcp"),
        DeclaredTool(ToolKind.CUSTOM, "functions", "my_mcp__sh", "sh", "my mcp"),
    )


def test_a_flattened_namespace_alone() -> None:
    """Its description stands above its tool only."""
    prompt = respond(tools=[{**_NAMESPACE, "tools": [flat("f")]}])
    assert conversation(prompt) == (
        _section("// Tools of mine.", "type my_mcp__f = () => any;") + USER_TEXT
    )


def test_native_namespaces() -> None:
    """As namespaces of harmony, if the policy says so."""
    prompt = respond(_NATIVE, tools=[flat("g"), _NAMESPACE])
    shown = conversation(prompt)
    assert "## my_mcp\n\n// Tools of mine.\nnamespace my_mcp {\n\n// Does.\ntype f =" in shown
    assert "namespace functions {\n\ntype g = () => any;" in shown
    assert [(tool.rendered_namespace, tool.rendered_name) for tool in prompt.context.tools] == [
        ("functions", "g"),
        ("my_mcp", "f"),
        ("my_mcp", "sh"),
    ]


def test_native_namespaces_have_no_dots() -> None:
    """Otherwise two tools could have one recipient."""
    prompt = respond(
        _NATIVE,
        tools=[
            {"type": "namespace", "name": "a", "tools": [flat("b.c")]},
            {"type": "namespace", "name": "a.b", "tools": [flat("c")]},
        ],
    )
    assert [(tool.rendered_namespace, tool.rendered_name) for tool in prompt.context.tools] == [
        ("a", "b.c"),
        ("a_b", "c"),
    ]


@pytest.mark.parametrize("name", ["functions", "browser", "python", "container"])
def test_native_namespaces_do_not_take_reserved_names(name: str) -> None:
    """The models know them otherwise; the answer still has the client's name."""
    prompt = respond(_NATIVE, tools=[{**_NAMESPACE, "name": name}])
    tool = prompt.context.tools[0]
    assert (tool.rendered_namespace, tool.namespace) == (f"{name}_2", name)


@pytest.mark.parametrize(
    ("policy", "recipient"), [(None, "functions.my_mcp__f"), (_NATIVE, "my_mcp.f")]
)
def test_calls_of_namespaces_in_the_history(policy: RenderPolicy | None, recipient: str) -> None:
    """By their namespace, or flattened as the model wrote it; declared or not."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "namespace": "my mcp"}
    output = {"type": "function_call_output", "call_id": "c", "output": ""}
    for tools in ([_NAMESPACE], []):
        shown = text(respond(policy, input=[USER, call, output], tools=tools))
        assert f"<|start|>assistant to={recipient}<|channel|>" in shown
        assert f"<|start|>{recipient} to=assistant<|channel|>" in shown


def test_a_flattened_name_in_the_history() -> None:
    """A client that sends it back means the tool of the namespace."""
    call = {"type": "function_call", "call_id": "c", "name": "my mcp__f"}
    shown = text(respond(input=[USER, call], tools=[_NAMESPACE]))
    assert "<|start|>assistant to=functions.my_mcp__f<|channel|>" in shown


def test_a_flattened_name_equal_to_another_is_refused() -> None:
    """In either order."""
    for tools in ([flat("my mcp__f"), _NAMESPACE], [_NAMESPACE, flat("my mcp__f")]):
        assert refusal(respond, tools=tools).field.endswith("name")
        respond(_NATIVE, tools=tools)


def test_a_namespace_stands_once() -> None:
    """The description of the second would be lost."""
    other = {**_NAMESPACE, "tools": [flat("other")]}
    assert refusal(respond, tools=[_NAMESPACE, other]).field == "tools[1].name"


def test_a_namespace_without_tools_is_noticed() -> None:
    """It has nothing to render."""
    prompt = respond(tools=[{**_NAMESPACE, "tools": []}])
    assert conversation(prompt) == USER_TEXT
    assert notices(prompt) == [(NoticeReason.TOOL_IGNORED, "tools[0]")]


# Tools that cannot be rendered

_HOSTED = [
    "web_search",
    "web_search_preview",
    "file_search",
    "mcp",
    "code_interpreter",
    "image_generation",
    "computer",
    "computer_use_preview",
    "local_shell",
    "shell",
    "apply_patch",
    "tool_search",
]


@pytest.mark.parametrize("kind", _HOSTED)
def test_hosted_tools_are_ignored(kind: str) -> None:
    """With a notice; the others stay."""
    prompt = respond(tools=[{"type": kind, "server_label": "x"}, flat("f")])
    assert conversation(prompt) == _section("type f = () => any;") + USER_TEXT
    assert notices(prompt) == [(NoticeReason.TOOL_IGNORED, "tools[0]")]


@pytest.mark.parametrize("kind", [*_HOSTED, "custom"])
def test_chat_completions_have_functions_only(kind: str) -> None:
    """The same notice."""
    prompt = chat(tools=[{"type": kind, kind: {"name": "x"}}])
    assert conversation(prompt) == USER_TEXT
    assert notices(prompt) == [(NoticeReason.TOOL_IGNORED, "tools[0]")]


def test_a_hosted_tool_in_a_namespace_is_ignored() -> None:
    """The notice has its place."""
    prompt = respond(tools=[{**_NAMESPACE, "tools": [flat("f"), {"type": "mcp"}]}])
    assert notices(prompt) == [(NoticeReason.TOOL_IGNORED, "tools[0].tools[1]")]


def test_web_search_options_are_a_hosted_tool() -> None:
    """An older way to ask for one."""
    prompt = chat(web_search_options={})
    assert notices(prompt) == [(NoticeReason.TOOL_IGNORED, "web_search_options")]


def test_the_policy_may_refuse_hosted_tools() -> None:
    """Instead of the notice."""
    policy = RenderPolicy(unsupported_tools=Unsupported.REJECT)
    error = refusal(respond, policy=policy, tools=[flat("f"), {"type": "web_search"}])
    assert (error.field, error.reason) == ("tools[1]", BodyErrorReason.UNSUPPORTED_TOOL)
    error = refusal(chat, policy=policy, web_search_options={})
    assert error.field == "web_search_options"


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ({}, "tools"),
        (["f"], "tools[0]"),
        ([{}], "tools[0].type"),
        ([{"type": "function"}], "tools[0].name"),
        ([flat("f", description=1)], "tools[0].description"),
        ([flat("f", strict="yes")], "tools[0].strict"),
        ([{"type": "namespace", "tools": []}], "tools[0].name"),
        ([{"type": "namespace", "name": "n"}], "tools[0].tools"),
        ([{"type": "namespace", "name": "n", "tools": [{}]}], "tools[0].tools[0].type"),
    ],
)
def test_the_error_names_the_place(tools: object, field: str) -> None:
    """A tool of another form is refused where it differs."""
    error = refusal(respond, tools=tools)
    assert (error.field, error.reason) == (field, BodyErrorReason.INVALID_FIELD)
