"""`tool_choice` in all its forms, and each method of keeping to it."""

import json
from typing import Any

import pytest

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.prompt import Prompt
from harmony_server.openai.render_policy import NamespaceTools, RenderPolicy, ToolChoiceMethod
from harmony_server.openai.request_errors import BodyErrorReason

from .rendering import (
    ENCODING,
    USER_TEXT,
    chat,
    conversation,
    flat,
    function,
    notices,
    refusal,
    respond,
    text,
)

_CHAT_TOOLS = [function("f"), function("g h")]
_RESPONSE_TOOLS = [
    flat("f"),
    flat("g h"),
    flat("sh", "custom"),
    {"type": "namespace", "name": "ns", "tools": [flat("inner")]},
]
_CALL_F = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>"
_CALL_G = "<|channel|>commentary to=functions.g_h <|constrain|>json<|message|>"
_CALL_ANY = "<|channel|>commentary to=functions"


def _prefill(prompt: Prompt) -> str:
    """Returns what stands behind `<|start|>assistant`, and checks where it is repeated."""
    shown = text(prompt).rpartition("<|start|>assistant")[2]
    assert prompt.prefilled == len(prompt.context.prefilled_tokens)
    ending = tuple(prompt.prompt_tokens[len(prompt.prompt_tokens) - prompt.prefilled :])
    assert ending == prompt.context.prefilled_tokens
    assert ENCODING.decode(ending) == shown
    assert prompt.context.prompt_tokens == len(prompt.prompt_tokens)
    return shown


def _names(prompt: Prompt) -> list[str]:
    """Returns the names of the declared tools, which are those that are rendered."""
    names = [tool.rendered_name for tool in prompt.context.tools]
    assert all(f"type {name} = " in text(prompt) for name in names)
    assert text(prompt).count("type ") == len(names)
    return names


@pytest.mark.parametrize("choice", [None, "auto"])
def test_the_model_may_call(choice: str | None) -> None:
    """By default, if there are tools."""
    prompt = chat(tools=_CHAT_TOOLS, tool_choice=choice)
    assert _names(prompt) == ["f", "g_h"]
    assert _prefill(prompt) == ""


@pytest.mark.parametrize("choice", [None, "auto", "none"])
def test_without_tools(choice: str | None) -> None:
    """There is nothing to choose."""
    prompt = chat(tool_choice=choice)
    assert conversation(prompt) == USER_TEXT
    assert prompt.context.tools == ()


def test_none_leaves_the_tools_out() -> None:
    """What the model does not see it does not call."""
    prompt = chat(tools=_CHAT_TOOLS, tool_choice="none")
    assert conversation(prompt) == USER_TEXT
    assert prompt.context.tools == ()


def test_required_of_one_tool() -> None:
    """The whole header of the call is given."""
    prompt = chat(tools=_CHAT_TOOLS[:1], tool_choice="required")
    assert _prefill(prompt) == _CALL_F
    assert prompt.sampling.constraints_json is None


def test_required_of_several_tools() -> None:
    """The model goes on with the name."""
    prompt = chat(tools=_CHAT_TOOLS, tool_choice="required")
    assert _prefill(prompt) == _CALL_ANY
    # The name goes on with tokens that the model would have written.
    whole = ENCODING.encode(_CALL_F, allowed_special="all")
    assert tuple(whole[: prompt.prefilled]) == prompt.context.prefilled_tokens


def test_required_of_several_native_namespaces() -> None:
    """The model goes on with the namespace."""
    policy = RenderPolicy(namespace_tools=NamespaceTools.NATIVE)
    prompt = respond(policy, tools=_RESPONSE_TOOLS, tool_choice="required")
    assert _prefill(prompt) == "<|channel|>commentary to="
    prompt = respond(policy, tools=_RESPONSE_TOOLS[3:], tool_choice="required")
    assert _prefill(prompt) == "<|channel|>commentary to=ns.inner <|constrain|>json<|message|>"


@pytest.mark.parametrize(
    ("choice", "prefill"),
    [
        ({"type": "function", "function": {"name": "f"}}, _CALL_F),
        ({"type": "function", "function": {"name": "functions.f"}}, _CALL_F),
        ({"type": "function", "function": {"name": "g h"}}, _CALL_G),
    ],
)
def test_a_named_function_of_a_chat_completion(choice: dict[str, Any], prefill: str) -> None:
    """The model sees all tools and calls this one."""
    prompt = chat(tools=_CHAT_TOOLS, tool_choice=choice)
    assert _prefill(prompt) == prefill
    assert _names(prompt) == ["f", "g_h"]


@pytest.mark.parametrize(
    ("choice", "recipient"),
    [
        ({"type": "function", "name": "f"}, "functions.f"),
        ({"type": "function", "name": "g h"}, "functions.g_h"),
        ({"type": "custom", "name": "sh"}, "functions.sh"),
        ({"type": "function", "name": "inner", "namespace": "ns"}, "functions.ns__inner"),
        ({"type": "function", "name": "inner"}, "functions.ns__inner"),
    ],
)
def test_a_named_tool_of_a_response(choice: dict[str, Any], recipient: str) -> None:
    """The name stands beside the type."""
    prompt = respond(tools=_RESPONSE_TOOLS, tool_choice=choice)
    assert _prefill(prompt) == (
        f"<|channel|>commentary to={recipient} <|constrain|>json<|message|>"
    )


@pytest.mark.parametrize(
    ("mode", "names", "rendered", "prefill"),
    [
        ("auto", ["g h", "f"], ["f", "g_h"], ""),
        ("auto", ["g h"], ["g_h"], ""),
        ("required", ["g h"], ["g_h"], _CALL_G),
        ("required", ["g h", "f"], ["f", "g_h"], _CALL_ANY),
        ("auto", [], [], ""),
    ],
)
def test_allowed_tools(mode: str, names: list[str], rendered: list[str], prefill: str) -> None:
    """The list is cut to them, then the mode counts."""
    allowed = {"mode": mode, "tools": [function(name) for name in names]}
    choice: dict[str, Any] = {"type": "allowed_tools", "allowed_tools": allowed}
    prompt = chat(tools=_CHAT_TOOLS, tool_choice=choice)
    assert _names(prompt) == rendered
    assert _prefill(prompt) == prefill
    choice = {"type": "allowed_tools", "mode": mode, "tools": [flat(name) for name in names]}
    prompt = respond(tools=_RESPONSE_TOOLS, tool_choice=choice)
    assert _names(prompt) == rendered
    assert _prefill(prompt) == prefill


def test_cut_tools_keep_the_names_of_the_whole_list() -> None:
    """A name in the prompt does not depend on what is allowed."""
    allowed = {"mode": "auto", "tools": [function("a b")]}
    tools = [function("a_b"), function("a b")]
    prompt = chat(tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert _names(prompt) == ["a_b_2"]


def test_an_allowed_hosted_tool_is_noticed() -> None:
    """It is not there to be called."""
    allowed = [flat("f"), {"type": "mcp", "server_label": "x"}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": allowed}
    prompt = respond(tools=[flat("f")], tool_choice=choice)
    assert notices(prompt) == [(NoticeReason.TOOL_IGNORED, "tool_choice.tools[1]")]


@pytest.mark.parametrize(
    ("choice", "prefill", "names"),
    [
        (None, "", ["f", "g_h"]),
        ("auto", "", ["f", "g_h"]),
        ("none", "", []),
        ({"name": "g h"}, _CALL_G, ["f", "g_h"]),
    ],
)
def test_the_legacy_function_call(choice: object, prefill: str, names: list[str]) -> None:
    """It is `tool_choice` of functions."""
    functions = [tool["function"] for tool in _CHAT_TOOLS]
    prompt = chat(functions=functions, function_call=choice)
    assert _prefill(prompt) == prefill
    assert _names(prompt) == names


def test_function_call_has_no_effect_beside_tool_choice() -> None:
    """With a notice."""
    prompt = chat(tools=_CHAT_TOOLS, tool_choice="auto", function_call="none")
    assert _names(prompt) == ["f", "g_h"]
    assert notices(prompt) == [(NoticeReason.PARAMETER_IGNORED, "function_call")]


@pytest.mark.parametrize(
    ("choice", "field", "reason"),
    [
        ("any", "tool_choice", BodyErrorReason.INVALID_FIELD),
        (5, "tool_choice", BodyErrorReason.INVALID_FIELD),
        ({}, "tool_choice.type", BodyErrorReason.INVALID_FIELD),
        ({"type": "function"}, "tool_choice.function", BodyErrorReason.INVALID_FIELD),
        ({"type": "mcp"}, "tool_choice.type", BodyErrorReason.UNKNOWN_TOOL),
        (
            {"type": "function", "function": {"name": "x"}},
            "tool_choice",
            BodyErrorReason.UNKNOWN_TOOL,
        ),
        (
            {"type": "custom", "custom": {"name": "f"}},
            "tool_choice",
            BodyErrorReason.UNKNOWN_TOOL,
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [function("x")]}},
            "tool_choice.allowed_tools.tools[0]",
            BodyErrorReason.UNKNOWN_TOOL,
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "x", "tools": []}},
            "tool_choice.allowed_tools.mode",
            BodyErrorReason.INVALID_FIELD,
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}},
            "tool_choice",
            BodyErrorReason.INVALID_FIELD,
        ),
    ],
)
def test_choices_that_are_refused(choice: object, field: str, reason: BodyErrorReason) -> None:
    """Above all of tools that are not there."""
    error = refusal(chat, tools=_CHAT_TOOLS, tool_choice=choice)
    assert (error.field, error.reason) == (field, reason)


def test_a_name_of_two_namespaces_needs_its_namespace() -> None:
    """Otherwise nobody knows which tool is meant."""
    tools = [{"type": "namespace", "name": name, "tools": [flat("inner")]} for name in ("a", "b")]
    error = refusal(respond, tools=tools, tool_choice=flat("inner"))
    assert (error.field, error.reason) == ("tool_choice", BodyErrorReason.UNKNOWN_TOOL)
    prompt = respond(tools=tools, tool_choice=flat("inner", namespace="b"))
    assert "to=functions.b__inner " in _prefill(prompt)


@pytest.mark.parametrize("kind", ["web_search_preview", "mcp", "code_interpreter", "computer"])
def test_a_hosted_tool_cannot_be_chosen(kind: str) -> None:
    """It is ignored, so it is not there."""
    error = refusal(respond, tools=[{"type": kind}], tool_choice={"type": kind})
    assert (error.field, error.reason) == ("tool_choice.type", BodyErrorReason.UNKNOWN_TOOL)


def test_nothing_can_be_required_without_tools() -> None:
    """Nor where all of them are ignored."""
    assert refusal(chat, tool_choice="required").field == "tool_choice"
    error = refusal(respond, tools=[{"type": "web_search"}], tool_choice="required")
    assert error.field == "tool_choice"


# Other methods


def test_continue() -> None:
    """The engine pauses at the end of a message, and may get the header of the call."""
    policy = RenderPolicy(tool_choice_method=ToolChoiceMethod.CONTINUE)
    prompt = chat(policy, tools=_CHAT_TOOLS[:1], tool_choice="required")
    assert _prefill(prompt) == ""
    assert prompt.pause_tokens == (200007,)
    assert ENCODING.decode(prompt.context.continue_tokens) == f"<|start|>assistant{_CALL_F}"
    assert prompt.sampling.constraints_json is None


def test_nothing_pauses_without_need() -> None:
    """Neither where no call is required, nor with other methods."""
    policy = RenderPolicy(tool_choice_method=ToolChoiceMethod.CONTINUE)
    for prompt in (
        chat(policy, tools=_CHAT_TOOLS),
        chat(tools=_CHAT_TOOLS, tool_choice="required"),
    ):
        assert prompt.pause_tokens == ()
        assert prompt.context.continue_tokens == ()


def test_hint() -> None:
    """The engine's grammar learns which calls it may let through."""
    policy = RenderPolicy(tool_choice_method=ToolChoiceMethod.HINT)
    prompt = chat(policy, tools=_CHAT_TOOLS, tool_choice="required")
    assert _prefill(prompt) == ""
    assert prompt.sampling.constraints_json is not None
    assert json.loads(prompt.sampling.constraints_json) == {
        "tool_choice": ["functions.f", "functions.g_h"]
    }
    assert notices(prompt) == [(NoticeReason.NOT_ENFORCED, "tool_choice")]
    assert chat(policy, tools=_CHAT_TOOLS).sampling.constraints_json is None


def test_reject() -> None:
    """Refused, unless the model may answer without a call."""
    policy = RenderPolicy(tool_choice_method=ToolChoiceMethod.REJECT)
    error = refusal(chat, policy=policy, tools=_CHAT_TOOLS, tool_choice="required")
    assert (error.field, error.code) == ("tool_choice", "unsupported_value")
    functions = [tool["function"] for tool in _CHAT_TOOLS]
    error = refusal(chat, policy=policy, functions=functions, function_call={"name": "f"})
    assert error.field == "function_call"
    assert _names(chat(policy, tools=_CHAT_TOOLS, tool_choice="auto")) == ["f", "g_h"]


# parallel_tool_calls


@pytest.mark.parametrize(("parallel", "max_calls"), [(None, None), (True, None), (False, 1)])
def test_parallel_calls(parallel: bool | None, max_calls: int | None) -> None:
    """Without them the answer ends where a second call begins; sampling stops at each call."""
    for prompt in (
        chat(tools=_CHAT_TOOLS, parallel_tool_calls=parallel),
        respond(tools=_RESPONSE_TOOLS, parallel_tool_calls=parallel),
    ):
        assert prompt.context.max_calls == max_calls
        assert prompt.stop_tokens == (200002, 200012)
