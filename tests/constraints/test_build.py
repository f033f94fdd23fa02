"""What `build_sampling_constraint` promises beside the grammar itself: bytes, errors, limits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import Any

import pytest

from harmony_server.core import (
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    Message,
    Role,
    SystemContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from harmony_server.core.bounds import DEFAULT_MAX_CONSTRAINT_BYTES
from harmony_server.core.constraints import (
    ConstraintFormat,
    ConstraintLevel,
    ConstraintNotice,
    HeaderForms,
    NoticeReason,
    ReasoningMode,
    SamplingConstraint,
    SamplingConstraintOptions,
    ToolChoiceMode,
    build_sampling_constraint,
)
from harmony_server.core.errors import ConstraintError, ConstraintLimitError
from harmony_server.core.tokenizer import CALL, MESSAGE, RETURN, SPECIAL_TOKENS

from .engines import ENGINES
from .matchers import FIRST_SPECIAL, Engine, Matcher
from .turns import conversation, first_refused, tokens_of

_Options = SamplingConstraintOptions
GRAMMARS = [one for one in ConstraintFormat if one is not ConstraintFormat.TOKEN_AUTOMATON]


def _with_tools(*tools: ToolDescription, namespace: str = "functions") -> Conversation:
    content = DeveloperContent.new().with_tools(
        ToolNamespaceConfig(name=namespace, tools=list(tools))
    )
    return Conversation.from_messages([Message.from_role_and_content(Role.DEVELOPER, content)])


def _build(
    encoding: HarmonyEncoding,
    value: ConstraintFormat = ConstraintFormat.LLGUIDANCE_LARK,
    tools: Conversation | None = None,
    options: SamplingConstraintOptions | None = None,
    max_bytes: int = DEFAULT_MAX_CONSTRAINT_BYTES,
) -> SamplingConstraint:
    return build_sampling_constraint(
        tools or conversation(),
        value,
        options or _Options(),
        encoding=encoding,
        max_bytes=max_bytes,
    )


# The same bytes

PROGRAM = """
from harmony_server.core import load_harmony_encoding
from harmony_server.core.constraints import ConstraintFormat, build_sampling_constraint
from tests.constraints.turns import conversation
for value in ConstraintFormat:
    print(build_sampling_constraint(
        conversation(), value, encoding=load_harmony_encoding("HarmonyGptOss")
    ).sha256)
"""


def test_processes_agree(encoding: HarmonyEncoding) -> None:
    """Processes with different hash seeds build the same bytes."""
    here = [_build(encoding, value).sha256 for value in ConstraintFormat]
    assert len(set(here)) == len(here)
    for seed in ("1", "2"):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.split() == here


def test_texts_do_not_count(encoding: HarmonyEncoding) -> None:
    """A conversation keeps its constraint over all turns."""
    longer = conversation()
    longer.messages[0].content[0] = (
        SystemContent.new().with_python_tool().with_browser_tool().with_model_identity("Another.")
    )
    longer.messages += [
        Message.from_role_and_content(Role.ASSISTANT, "Hello").with_channel("final"),
        Message.from_role_and_content(Role.USER, "More"),
    ]
    assert _build(encoding, tools=longer) == _build(encoding)


def test_the_structural_tag_has_the_ebnf(encoding: HarmonyEncoding) -> None:
    """A structural tag is the EBNF as its one format."""
    grammar = _build(encoding, ConstraintFormat.XGRAMMAR_EBNF).grammar
    tag = _build(encoding, ConstraintFormat.XGRAMMAR_STRUCTURAL_TAG).grammar
    assert tag is not None
    assert json.loads(tag) == {
        "type": "structural_tag",
        "format": {"type": "grammar", "grammar": grammar},
    }


def test_the_stop_tokens(encoding: HarmonyEncoding) -> None:
    """The engine is told to stop at `<|return|>` and `<|call|>`."""
    assert _build(encoding).stop_tokens == (RETURN, CALL)


def test_the_vocabulary_size(encoding: HarmonyEncoding) -> None:
    """EBNF names no token id that the engine does not have."""
    for size in (200_013, 200_019, 201_089):
        options = _Options(vocabulary_size=size)
        grammar = _build(encoding, ConstraintFormat.XGRAMMAR_EBNF, options=options).grammar
        assert grammar is not None
        assert max(map(int, re.findall(r"\b(\d{6})\b", grammar))) == size - 1


# Tools


def test_a_later_declaration_counts(encoding: HarmonyEncoding, llguidance: Engine) -> None:
    """Of two tools of the same recipient the later counts, across contents, with a notice."""
    tools = _with_tools(ToolDescription.new("f", "", {"type": "object"}))
    tools.messages += _with_tools(ToolDescription.new("f", "")).messages
    constraint = _build(encoding, tools=tools)
    assert constraint.notices == (
        ConstraintNotice(
            NoticeReason.DUPLICATE_TOOL,
            "conversation.messages[1].content[0].developer.tools[0].tools[0]",
        ),
    )
    header = "<|channel|>commentary to=functions.f json<|message|>"
    matcher = llguidance.start(constraint)
    assert first_refused(matcher, tokens_of(encoding, header + "{}<|call|>")) is None
    matcher = llguidance.start(constraint)
    assert first_refused(matcher, tokens_of(encoding, header + '{"a":1}<|call|>')) is not None


def test_namespaces_of_one_name_are_merged(encoding: HarmonyEncoding, automaton: Engine) -> None:
    """The recipient has the name of its namespace, not the key."""
    content = DeveloperContent.new()
    content.tools = {
        key: ToolNamespaceConfig(name="n", tools=[ToolDescription.new(tool, "")])
        for key, tool in (("x", "a"), ("y", "b"))
    }
    tools = Conversation.from_messages([Message.from_role_and_content(Role.DEVELOPER, content)])
    constraint = _build(encoding, ConstraintFormat.TOKEN_AUTOMATON, tools)
    for recipient, is_good in (("n.a", True), ("n.b", True), ("x.a", False)):
        call = f"<|channel|>commentary to={recipient} json<|message|>{{}}<|call|>"
        refused = first_refused(automaton.start(constraint), tokens_of(encoding, call))
        assert (refused is None) == is_good


def test_an_empty_functions_namespace_is_no_tool(encoding: HarmonyEncoding) -> None:
    """`functions` without tools declares nothing."""
    with pytest.raises(ConstraintError) as raised:
        _build(encoding, tools=_with_tools(), options=_Options(tool_choice=ToolChoiceMode.REQUIRED))
    assert raised.value.field == "options.tool_choice.mode"


# Errors

_LEVEL = _Options(level=ConstraintLevel.SCHEMAS)
ERRORS: dict[str, tuple[ConstraintFormat, SamplingConstraintOptions]] = {
    "options.level": (ConstraintFormat.TOKEN_AUTOMATON, _LEVEL),
    "options.stop_tokens_in_grammar": (
        ConstraintFormat.LLAMA_GBNF,
        _Options(stop_tokens_in_grammar=True),
    ),
    "options.max_messages_before_last": (GRAMMARS[0], _Options(max_messages_before_last=257)),
    "options.max_json_whitespace": (GRAMMARS[0], _Options(max_json_whitespace=-1)),
    "options.vocabulary_size": (GRAMMARS[0], _Options(vocabulary_size=200_012)),
    "options.tool_choice.allowed_recipients[1]": (
        GRAMMARS[0],
        _Options(allowed_recipients=("python", "functions.gett")),
    ),
    "options.response_schema_json": (GRAMMARS[0], _Options(response_schema_json="[1]")),
    "options.prefill": (GRAMMARS[0], _Options(prefill=(MESSAGE,))),
}


@pytest.mark.parametrize("field", ERRORS)
def test_errors_name_the_field(field: str, encoding: HarmonyEncoding) -> None:
    """An option that does not fit is an error with its path."""
    value, options = ERRORS[field]
    with pytest.raises(ConstraintError) as raised:
        _build(encoding, value, options=options)
    assert raised.value.field == field


@pytest.mark.parametrize("text", ["{", "NaN", '{"a": 1, "a": 2}', '"\\ud800"', "1"])
def test_a_response_schema_that_is_none(text: str, encoding: HarmonyEncoding) -> None:
    """A response schema must be JSON, and an object or a boolean."""
    with pytest.raises(ConstraintError) as raised:
        _build(encoding, options=_Options(response_schema_json=text))
    assert raised.value.field == "options.response_schema_json"


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a<b", "a\nb", "a\u00a0b", "\x7f", "\ud800"])
def test_names_that_no_header_carries(name: str, encoding: HarmonyEncoding) -> None:
    """White space, `<`, control characters and nothing at all are no names."""
    path = "conversation.messages[0].content[0].developer.tools[0]"
    with pytest.raises(ConstraintError) as raised:
        _build(encoding, tools=_with_tools(ToolDescription.new(name, "")))
    assert raised.value.field == f"{path}.tools[0].name"
    with pytest.raises(ConstraintError) as raised:
        _build(encoding, tools=_with_tools(ToolDescription.new("f", ""), namespace=name))
    assert raised.value.field == f"{path}.name"


def test_strict_schemas(encoding: HarmonyEncoding) -> None:
    """A schema that cannot be enforced degrades to any object, or is an error if asked for."""
    tools = _with_tools(ToolDescription.new("f", "", {"$ref": "#/nowhere"}))
    path = "conversation.messages[0].content[0].developer.tools[0].tools[0].parameters_json"
    notices = _build(encoding, tools=tools).notices
    assert notices == (ConstraintNotice(NoticeReason.SCHEMA_NOT_ENFORCED, path),)
    with pytest.raises(ConstraintError) as raised:
        _build(encoding, tools=tools, options=_Options(strict_schemas=True))
    assert raised.value.field == path


@pytest.mark.parametrize(
    ("prefill", "problem"),
    [
        ("Hello", "begins no turn"),
        ("<|channel|>analysis<|message|>a<|return|>", "begins no turn"),
        ("<|channel|>commentary to=functions.unknown", "begins no turn"),
        ('<|channel|>commentary to=functions.free<|message|>{"a', "reaches into JSON"),
    ],
)
def test_a_prefill_that_does_not_fit(prefill: str, problem: str, encoding: HarmonyEncoding) -> None:
    """A prefill must begin a turn, and end outside of JSON."""
    options = _Options(prefill=tuple(tokens_of(encoding, prefill)))
    with pytest.raises(ConstraintError, match=problem) as raised:
        _build(encoding, options=options)
    assert raised.value.field == "options.prefill"


def test_a_prefill_that_ends_inside_a_character(encoding: HarmonyEncoding) -> None:
    """A prefill must not end inside a character, nor have unknown ids."""
    salute = encoding.encode_ordinary("🫡")
    begin = tokens_of(encoding, "<|channel|>final<|message|>")
    with pytest.raises(ConstraintError, match="ends inside a character"):
        _build(encoding, options=_Options(prefill=(*begin, *salute[:-1])))
    with pytest.raises(ConstraintError, match="not in the vocabulary"):
        _build(encoding, options=_Options(prefill=(201_089,)))


def test_a_forced_answer(encoding: HarmonyEncoding) -> None:
    """A prefill into `final`, without reasoning, leaves nothing but text."""
    prefill = tuple(tokens_of(encoding, "<|channel|>final<|message|>"))
    options = _Options(prefill=prefill, reasoning=ReasoningMode.FORBIDDEN)
    grammar = _build(encoding, options=options).grammar
    assert grammar == "start: r0\nr0: /(.|\\n)*/\n"


def test_a_long_prefill_is_quick(encoding: HarmonyEncoding) -> None:
    """Reasoning in the prompt, however long, is not derived byte by byte."""
    begin = tokens_of(encoding, "<|channel|>analysis<|message|>")
    options = _Options(prefill=(*begin, *encoding.encode_ordinary("a b c " * 200_000)))
    assert _build(encoding, options=options).grammar is not None


# Limits


def test_limits_count_while_building(encoding: HarmonyEncoding) -> None:
    """What grows too large is refused at once, in every format."""
    tools = _with_tools(*(ToolDescription.new(f"f{index}", "") for index in range(1000)))
    for value in ConstraintFormat:
        with pytest.raises(ConstraintLimitError) as raised:
            _build(encoding, value, tools, max_bytes=5000)
        assert (raised.value.limit, raised.value.maximum) == ("max_constraint_bytes", 5000)


HOSTILE: dict[str, Any] = {
    "merged again and again": {
        "type": "object",
        "properties": {f"p{index}": {} for index in range(20_000)},
        "allOf": [{"properties": {f"q{index}": {}}} for index in range(20_000)],
    },
    "referred to again and again": {
        "type": "object",
        "allOf": [{"$ref": "#/$defs/a"}] * 20_000,
        "$defs": {"a": {f"x{index}": 0 for index in range(20_000)}},
    },
    "wide": {"type": "object", "properties": {f"p{index}": {} for index in range(100_000)}},
    "many constants": {"enum": list(range(200_000))},
    "many notices": {
        "type": "object",
        "properties": {f"p{index}": {"not": {}} for index in range(100_000)},
    },
    "many required": {"type": "object", "required": [f"p{index}" for index in range(200_000)]},
    "doubling": {
        "$ref": "#/$defs/d0",
        "$defs": {
            f"d{index}": {
                "allOf": [
                    {"type": "object", "required": ["a"], "$ref": f"#/$defs/d{index + 1}"},
                    {"type": "object", "required": ["b"], "$ref": f"#/$defs/d{index + 1}"},
                ]
            }
            for index in range(60)
        }
        | {"d60": {"type": "object"}},
    },
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("value", GRAMMARS)
def test_hostile_schemas_end(case: str, value: ConstraintFormat, encoding: HarmonyEncoding) -> None:
    """A hostile schema is refused or degraded, and costs no more than its limit."""
    tools = _with_tools(ToolDescription.new("f", "", HOSTILE[case]))
    begin = time.process_time()
    try:
        constraint = _build(encoding, value, tools)
    except ConstraintLimitError:
        pass
    else:
        assert constraint.notices
    # Far above the time it takes: without the limits, some of these never end.
    assert time.process_time() - begin < 20


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_large_schemas_compile(engine: Engine, encoding: HarmonyEncoding) -> None:
    """Engines take deep and wide schemas, and large enums."""
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        deep = {"anyOf": [{"type": "array", "items": deep}, {"type": "null"}]}
    tools = _with_tools(
        # For llguidance, it is nested too deeply: any object fits.
        ToolDescription.new("deep", "", {"type": "object", "properties": {"a": deep}}),
        ToolDescription.new(
            "wide", "", {"type": "object", "properties": {f"p{one}": {} for one in range(300)}}
        ),
        ToolDescription.new(
            "large",
            "",
            {"type": "object", "properties": {"a": {"enum": [f"v{one}" for one in range(2000)]}}},
        ),
    )
    constraint = _build(encoding, engine.format, tools)
    calls = [
        f'deep json<|message|>{{"a":{"[" * 50}"x"{"]" * 50}}}',
        'wide json<|message|>{"p7":1,"p299":[2]}',
        'large json<|message|>{"a":"v1999"}',
    ]
    for call in calls:
        tokens = tokens_of(encoding, f"<|channel|>commentary to=functions.{call}<|call|>")
        assert first_refused(engine.start(constraint), tokens) is None, call


# Injection

NASTY = [
    'a"b',
    "a\\b",
    "a\\",
    "a\nroot ::= b",
    "%json",
    "<[200002]>",
    "Token(200002)",
    "/a/",
    "|",
    "#c",
    "//c",
    "{0,9}",
    "é\u2028🙂",
    "\x00\x1f",
    "$a ![x]",
    "<|end|>",
]


def test_names_and_values_add_no_rule(engine: Engine, encoding: HarmonyEncoding) -> None:
    """Whatever a schema or a name spells stays a literal, and is accepted as one."""
    if engine.name == "automaton":
        pytest.skip("bodies are text")

    def build(names: list[str]) -> SamplingConstraint:
        properties = {name: {"const": name} for name in names}
        schema = {"type": "object", "properties": properties, "required": names}
        return _build(encoding, engine.format, _with_tools(ToolDescription.new("f", "", schema)))

    plain, nasty = build([f"n{index}" for index in range(len(NASTY))]), build(NASTY)
    assert plain.grammar is not None
    assert nasty.grammar is not None
    assert plain.grammar.count("\n") == nasty.grammar.count("\n")
    value = json.dumps({name: name for name in NASTY}, ensure_ascii=False)
    if engine.name != "llguidance":
        value = value.replace("<|end|>", "\\u003c|end|>")
    header = tokens_of(encoding, "<|channel|>commentary to=functions.f json<|message|>")
    matcher = engine.start(nasty)
    assert first_refused(matcher, header) is None
    if engine.name == "llguidance":
        assert _follow(matcher, encoding, value.encode())
    else:
        assert first_refused(matcher, encoding.encode_ordinary(value)) is None
    assert matcher.accept(CALL)


def _follow(matcher: Matcher, encoding: HarmonyEncoding, rest: bytes) -> bool:
    """Returns whether a text can be written: llguidance chooses the tokens of forced text."""
    while rest:
        fitting = [
            token
            for token in matcher.allowed()
            if token < FIRST_SPECIAL and rest.startswith(encoding.decode_bytes([token]))
        ]
        if not fitting:
            return False
        token = max(fitting, key=lambda one: len(encoding.decode_bytes([one])))
        matcher.accept(token)
        rest = rest.removeprefix(encoding.decode_bytes([token]))
    return True


def test_names_of_tools_are_literals(engine: Engine, encoding: HarmonyEncoding) -> None:
    """A name with characters of a grammar's syntax is the recipient, and nothing else."""
    names = ['q"', "b\\", "a|b", "%x", "[1]>", "é", "{0,9}", "r0", "/a/", "#", "(x)*"]
    tools = _with_tools(*(ToolDescription.new(name, "") for name in names))
    constraint = _build(encoding, engine.format, tools)
    for name in names:
        call = f"<|channel|>commentary to=functions.{name} json<|message|>{{}}<|call|>"
        assert first_refused(engine.start(constraint), tokens_of(encoding, call)) is None, name
    unknown = "<|channel|>commentary to=functions.x json<|message|>{}<|call|>"
    assert first_refused(engine.start(constraint), tokens_of(encoding, unknown)) is not None


# Every combination of options


def test_every_option_prints(encoding: HarmonyEncoding) -> None:
    """Each format is built for each combination of choices."""
    for value in ConstraintFormat:
        is_automaton = value is ConstraintFormat.TOKEN_AUTOMATON
        for choice in ToolChoiceMode:
            for forms in HeaderForms:
                for reasoning in ReasoningMode:
                    for level in [None] if is_automaton else [None, *ConstraintLevel]:
                        options = _Options(
                            tool_choice=choice, header_forms=forms, reasoning=reasoning, level=level
                        )
                        constraint = _build(encoding, value, options=options)
                        assert re.fullmatch("[0-9a-f]{64}", constraint.sha256)
                        assert (constraint.grammar is None) == is_automaton


def test_special_tokens_are_known() -> None:
    """The default vocabulary size is the last named token of the published tokenizer, and one."""
    assert SPECIAL_TOKENS["<|reserved_200018|>"] + 1 == _Options().vocabulary_size
