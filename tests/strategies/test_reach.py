"""Each strategy reaches what it is there for: the interesting kinds of values do occur."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import harmony_server.core as harmony
from harmony_server.core.vocabulary import token_bytes
from tests.strategies import (
    contents,
    conversations,
    headers,
    json_values,
    messages,
    model_arguments,
    nesting,
    schemas,
    special_rules,
    streams,
    texts,
    token_lists,
    tools,
    unrenderable,
    utf8,
)
from tests.strategies.build import message_from_dict
from tests.strategies.segments import FIRST_INVALID_TOKEN, Special, Text
from tests.strategies.streams import Stream
from tests.strategies.vocabulary import Vocabulary

_Drawn = TypeVar("_Drawn")
_Kinds = dict[str, Callable[[_Drawn], bool]]

# Drawn in rounds, to stop as soon as everything has been seen.
_ROUND = 100
_EXAMPLES = 500


def _assert_reaches(
    strategy: st.SearchStrategy[_Drawn], kinds: _Kinds[_Drawn], examples: int = _EXAMPLES
) -> None:
    """Draws examples, the same ones in every run, and fails for each kind that none of them is."""
    missing = dict(kinds)

    @settings(
        max_examples=_ROUND,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=strategy)
    def look_at(drawn: _Drawn) -> None:
        for kind in [kind for kind, is_kind in missing.items() if is_kind(drawn)]:
            del missing[kind]

    for round_number in range(examples // _ROUND):
        if missing:
            seed(round_number)(look_at)()
    assert not missing, f"no example is any of these: {sorted(missing)}"


def _holds(*parts: str) -> Callable[[str], bool]:
    return lambda text: any(part in text for part in parts)


def test_texts() -> None:
    """Texts hold special tokens, white space that languages disagree on, and all of Unicode."""
    _assert_reaches(
        texts.texts(),
        {
            "empty": lambda text: not text,
            "a special token": _holds("<|end|>", "<|message|>", "<|start|>"),
            "part of a special token": lambda text: re.search(r"<\|(?!\w+\|>)", text) is not None,
            "a line end": _holds("\r\n"),
            "white space for Python alone": _holds("\x1c", "\x1d", "\x1e", "\x1f"),
            "white space, but not in ASCII": _holds("\x85", "\xa0", "\u2028"),
            "beyond the basic plane": lambda text: max(text, default="") > "\uffff",
            "a control character": _holds("\x00"),
            "long": lambda text: len(text) > 30,
        },
    )


def test_descriptions() -> None:
    """Descriptions end their lines in every way."""
    _assert_reaches(
        texts.descriptions(),
        {
            "one line": lambda text: text != "" and not set("\r\n") & set(text),
            "CR LF": _holds("\r\n"),
            "a lone CR": lambda text: re.search(r"\r(?!\n)", text) is not None,
            "an empty line": _holds("\n\n", "\r\n\r\n"),
            "a line end of Unicode": _holds("\x85", "\u2028"),
            "a line end at the end": lambda text: text.endswith("\n"),
        },
    )


def test_texts_with_surrogates() -> None:
    """Surrogates come alone, in pairs and in the wrong order."""
    _assert_reaches(
        texts.texts_with_surrogates(),
        {
            "a lone high one": lambda text: (
                re.search("[\ud800-\udbff](?![\udc00-\udfff])", text) is not None
            ),
            "a lone low one": lambda text: (
                re.search("(?<![\ud800-\udbff])[\udc00-\udfff]", text) is not None
            ),
            "a pair": _holds("\ud83d\ude00"),
        },
    )


def test_json_values() -> None:
    """Numbers that are hard to read or print occur, and so does every kind of value."""
    _assert_reaches(
        json_values.values(),
        {
            "null": lambda value: value is None,
            "a bool": lambda value: isinstance(value, bool),
            "a text": lambda value: isinstance(value, str),
            "a list": lambda value: isinstance(value, list) and value != [],
            "an empty list": lambda value: value == [],
            "an object": lambda value: isinstance(value, dict) and value != {},
            "more than 64 bits": lambda value: _is_integer(value) and value >= 2**64,
            "less than 64 bits": lambda value: _is_integer(value) and value < -(2**63),
            "between": lambda value: _is_integer(value) and 2**63 <= value < 2**64,
            "negative zero": lambda value: isinstance(value, float) and repr(value) == "-0.0",
            "17 digits": lambda value: isinstance(value, float) and len(repr(value)) > 18,
            "tiny": lambda value: isinstance(value, float) and "e-" in repr(value),
            "huge": lambda value: isinstance(value, float) and "e+" in repr(value),
        },
        examples=800,
    )


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _inner_schemas(schema: object) -> Iterator[dict[str, Any]]:
    """A schema and those that the renderer looks into."""
    if not isinstance(schema, dict):
        return
    yield schema
    for inner in [*_properties(schema).values(), schema.get("items"), *_variants(schema)]:
        yield from _inner_schemas(inner)


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _property_schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [value for value in _properties(schema).values() if isinstance(value, dict)]


def _variants(schema: dict[str, Any]) -> list[Any]:
    variants = schema.get("oneOf")
    return variants if isinstance(variants, list) else []


def _anywhere(is_kind: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bool]:
    return lambda schema: any(is_kind(inner) for inner in _inner_schemas(schema))


def _in_a_property(is_kind: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bool]:
    return _anywhere(lambda schema: any(map(is_kind, _property_schemas(schema))))


def _described_like_its_first_variant(schema: dict[str, Any]) -> bool:
    first = next(iter(_variants(schema)), None)
    described = isinstance(schema.get("description"), str)
    return (
        described and isinstance(first, dict) and first.get("description") == schema["description"]
    )


def _has_enum_of_strings(schema: dict[str, Any]) -> bool:
    members = schema.get("enum")
    return isinstance(members, list) and any(isinstance(member, str) for member in members)


def _has_default(kind: type) -> Callable[[dict[str, Any]], bool]:
    return lambda schema: "default" in schema and type(schema["default"]) is kind


def test_schemas() -> None:
    """Every rule of the renderer applies to some schema, and so does every malformation."""
    _assert_reaches(
        schemas.schemas(),
        {
            "oneOf at the top": _variants_at_the_top,
            "oneOf in a property": _in_a_property(_variants),
            "oneOf in oneOf": _anywhere(
                lambda it: any(isinstance(v, dict) and _variants(v) for v in _variants(it))
            ),
            "oneOf described like its first variant": _in_a_property(
                _described_like_its_first_variant
            ),
            "oneOf with a default": _in_a_property(lambda it: _variants(it) and "default" in it),
            "oneOf that is no list": _anywhere(
                lambda it: not isinstance(it.get("oneOf", []), list)
            ),
            "oneOf with a variant that is no object": _anywhere(
                lambda it: any(not isinstance(v, dict) for v in _variants(it))
            ),
            "oneOf with a nullable variant": _anywhere(
                lambda it: any(
                    isinstance(v, dict) and v.get("nullable") is True for v in _variants(it)
                )
            ),
            "several types": _anywhere(lambda it: isinstance(it.get("type"), list) and it["type"]),
            "types that are no strings": _anywhere(
                lambda it: (
                    isinstance(it.get("type"), list)
                    and any(not isinstance(name, str) for name in it["type"])
                )
            ),
            "a type that is no string": _anywhere(
                lambda it: "type" in it and not isinstance(it["type"], str | list)
            ),
            "an object in an object": _in_a_property(lambda it: it.get("type") == "object"),
            "an array in an array": _anywhere(
                lambda it: (
                    it.get("type") == "array"
                    and isinstance(it.get("items"), dict)
                    and it["items"].get("type") == "array"
                )
            ),
            "an array without items": _anywhere(
                lambda it: it.get("type") == "array" and "items" not in it
            ),
            "an array of things that are no schema": _anywhere(
                lambda it: "items" in it and not isinstance(it["items"], dict)
            ),
            "properties that are no object": _anywhere(
                lambda it: not isinstance(it.get("properties", {}), dict)
            ),
            "a property that is no schema": _anywhere(
                lambda it: any(not isinstance(v, dict) for v in _properties(it).values())
            ),
            "a required property": _anywhere(
                lambda it: (
                    isinstance(it.get("required"), list)
                    and any(name in it["required"] for name in _properties(it))
                )
            ),
            "required that is no list": _anywhere(
                lambda it: not isinstance(it.get("required", []), list)
            ),
            "an enum of strings": _anywhere(_has_enum_of_strings),
            "an enum with numbers": _anywhere(
                lambda it: isinstance(it.get("enum"), list) and any(map(_is_integer, it["enum"]))
            ),
            "an enum that is no list": _anywhere(
                lambda it: not isinstance(it.get("enum", []), list)
            ),
            "an enum with a default of it": _in_a_property(
                lambda it: _has_enum_of_strings(it) and isinstance(it.get("default"), str)
            ),
            "a default null": _in_a_property(_has_default(type(None))),
            "a default bool": _in_a_property(_has_default(bool)),
            "a default integer": _in_a_property(_has_default(int)),
            "a default float": _in_a_property(_has_default(float)),
            "a default text": _in_a_property(_has_default(str)),
            "a default list": _in_a_property(_has_default(list)),
            "a default object": _in_a_property(_has_default(dict)),
            "a nullable property": _in_a_property(lambda it: it.get("nullable") is True),
            "nullable that is no bool": _in_a_property(
                lambda it: not isinstance(it.get("nullable", True), bool)
            ),
            "a title": _in_a_property(lambda it: isinstance(it.get("title"), str)),
            "a title that is no text": _in_a_property(
                lambda it: not isinstance(it.get("title", ""), str)
            ),
            "a description of several lines": _in_a_property(
                lambda it: isinstance(it.get("description"), str) and "\r\n" in it["description"]
            ),
            "examples": _in_a_property(
                lambda it: isinstance(it.get("examples"), list) and it["examples"]
            ),
            "examples that are no texts": _in_a_property(
                lambda it: (
                    isinstance(it.get("examples"), list)
                    and any(not isinstance(example, str) for example in it["examples"])
                )
            ),
            "anyOf": _anywhere(lambda it: "anyOf" in it),
            "allOf": _anywhere(lambda it: "allOf" in it),
            "a reference": _anywhere(lambda it: "$ref" in it),
            "a constant": _anywhere(lambda it: "const" in it),
            "an unknown type": _anywhere(lambda it: it.get("type") == "x"),
            "no type": _anywhere(lambda it: not it),
        },
        examples=2_500,
    )


def _variants_at_the_top(schema: dict[str, Any]) -> bool:
    return bool(_variants(schema))


def test_nested_schemas() -> None:
    """Depths lie on both sides of every limit."""
    _assert_reaches(
        nesting.nested_schemas(),
        {
            **{f"{depth} deep": _is_nested(depth) for depth in range(116, 123)},
            "far too deep": lambda schema: _depth(schema) > 200,
        },
    )


def _is_nested(depth: int) -> Callable[[dict[str, Any]], bool]:
    return lambda schema: _depth(schema) == depth


def _depth(value: object) -> int:
    text = re.sub(r"[^][{}]", "", json.dumps(value))
    return text.count("{") + text.count("[")


def test_toolsets() -> None:
    """Keys differ from names, and namespaces come without tools, tools without parameters."""
    _assert_reaches(
        tools.toolsets(),
        {
            "none": lambda toolset: not toolset,
            "several": lambda toolset: len(toolset) > 2,
            "not in the order of the keys": lambda toolset: list(toolset) != sorted(toolset),
            "a key that is not the name": lambda toolset: any(
                key != namespace["name"] for key, namespace in toolset.items()
            ),
            "function tools": lambda toolset: bool(toolset.get("functions", {}).get("tools")),
            "a namespace without tools": _has_namespace(lambda it: not it["tools"]),
            "a description without tools": _has_namespace(
                lambda it: not it["tools"] and it.get("description")
            ),
            "no description": _has_namespace(lambda it: it.get("description") is None),
            "a tool with parameters": _has_tool(lambda it: it.get("parameters")),
            "a tool with parameters None": _has_tool(lambda it: it.get("parameters", 1) is None),
            "a tool without parameters": _has_tool(lambda it: "parameters" not in it),
        },
    )


def _has_namespace(is_kind: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bool]:
    return lambda toolset: any(map(is_kind, toolset.values()))


def _has_tool(is_kind: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bool]:
    return _has_namespace(lambda namespace: any(map(is_kind, namespace["tools"])))


def test_system_contents() -> None:
    """Each field of a system content is absent, None and set."""
    fields = set(harmony.SystemContent.model_fields)
    _assert_reaches(
        contents.system_contents(),
        {
            **{f"no {name}": _lacks(name) for name in fields},
            **{f"{name} None": _has(name, None) for name in fields},
            **{f"{name} set": _has_set(name) for name in fields},
            "no channels": lambda it: (it.get("channel_config") or {}).get("valid_channels") == [],
            "tools": lambda it: bool(it.get("tools")),
        },
    )


def _lacks(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda it: name not in it


def _has(name: str, value: object) -> Callable[[dict[str, Any]], bool]:
    return lambda it: name in it and it[name] == value


def _has_set(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda it: it.get(name) is not None


def test_developer_contents() -> None:
    """Developer contents hold instructions, tools, both and neither."""
    _assert_reaches(
        contents.developer_contents(),
        {
            "nothing": lambda it: it.get("instructions") is None and not it.get("tools"),
            "both": lambda it: bool(it.get("instructions") and it.get("tools")),
            "instructions of several lines": lambda it: "\n" in (it.get("instructions") or ""),
            "empty instructions": lambda it: it.get("instructions") == "",
        },
    )


def test_messages() -> None:
    """Every role, every kind of content and every header field occurs, also where it must not."""
    _assert_reaches(
        messages.messages(),
        {
            **{role: _has("role", role) for role in messages.ROLES},
            "several contents": lambda it: len(_content_types(it)) > 1,
            "no contents": lambda it: it["content"] == [],
            "text and system content": lambda it: {"text", "system_content"} <= _content_types(it),
            "developer content": lambda it: "developer_content" in _content_types(it),
            "system content where it must not be": lambda it: (
                "system_content" in _content_types(it) and it["role"] != "system"
            ),
            "developer content where it must not be": lambda it: (
                "developer_content" in _content_types(it) and it["role"] != "developer"
            ),
            "a tool without a name": lambda it: it["role"] == "tool" and it.get("name") is None,
            "a tool with a name": lambda it: it["role"] == "tool" and bool(it.get("name")),
            "a user with a name": lambda it: it["role"] == "user" and bool(it.get("name")),
            "a recipient": lambda it: it.get("recipient") not in (None, "all"),
            "everyone as the recipient": lambda it: it.get("recipient") == "all",
            "the assistant calling everyone": lambda it: (
                it["role"] == "assistant" and it.get("recipient") == "all"
            ),
            "an empty recipient": lambda it: it.get("recipient") == "",
            "a channel": lambda it: bool(it.get("channel")),
            "an empty channel": lambda it: it.get("channel") == "",
            "a content type": lambda it: it.get("content_type") == "json",
            "a constrained content type": lambda it: it.get("content_type") == "<|constrain|>json",
            "an empty constrained content type": lambda it: (
                it.get("content_type") == "<|constrain|>"
            ),
            "all header fields": lambda it: bool(
                it.get("recipient") and it.get("channel") and it.get("content_type")
            ),
        },
        examples=1_500,
    )


def _content_types(message: dict[str, Any]) -> set[str]:
    content = message["content"]
    return set() if isinstance(content, str) else {it["type"] for it in content}


def test_conversations() -> None:
    """Analysis is dropped, kept, and not there, and function tools come and go."""
    _assert_reaches(
        conversations.conversations(),
        {
            "empty": lambda it: not it["messages"],
            "long": lambda it: len(it["messages"]) > 4,
            "dropped analysis": lambda it: _ends_final(it) and _has_analysis_before_final(it),
            "analysis kept, as the last answer is not final": lambda it: (
                not _ends_final(it) and _has_analysis_before_final(it)
            ),
            "analysis after the first final": lambda it: bool(
                re.search("final .*analysis .*final", _channels(it))
            ),
            "a final user message": lambda it: any(
                message["role"] == "user" and message.get("channel") == "final"
                for message in it["messages"]
            ),
            "function tools": lambda it: '"functions": {' in json.dumps(it),
            "system and developer content": lambda it: all(
                kind in json.dumps(it) for kind in ("system_content", "developer_content")
            ),
        },
        examples=1_000,
    )


def _channels(conversation: dict[str, Any]) -> str:
    return "".join(f"{message.get('channel')} " for message in conversation["messages"])


def _ends_final(conversation: dict[str, Any]) -> bool:
    channels = [
        message.get("channel")
        for message in conversation["messages"]
        if message["role"] == "assistant"
    ]
    return channels[-1:] == ["final"]


def _has_analysis_before_final(conversation: dict[str, Any]) -> bool:
    before, final, _ = _channels(conversation).partition("final ")
    return bool(final) and "analysis " in before


def test_unrenderable_messages() -> None:
    """Each reason for which JSON cannot carry a value occurs, and so do joined surrogates."""
    encoding = harmony.load_harmony_encoding("HarmonyGptOss")

    def raises(exception: type[Exception]) -> Callable[[dict[str, Any]], bool]:
        def is_kind(message: dict[str, Any]) -> bool:
            try:
                encoding.render(message_from_dict(harmony, message))
            except Exception as error:
                return isinstance(error, exception)
            return False

        return is_kind

    _assert_reaches(
        unrenderable.unrenderable_messages(),
        {
            "no JSON": raises(TypeError),
            "refused": raises(ValueError),
            "rendered": lambda it: not raises(Exception)(it),
            "NaN": lambda it: "nan" in repr(it),
            "a huge integer": lambda it: "0" * 300 in repr(it),
            "a surrogate in a header": lambda it: "\\ud" in repr({**it, "content": ""}),
            "a surrogate in system content": lambda it: (
                it["role"] == "system" and "\\ud" in repr(it["content"])
            ),
            "a surrogate in parameters": lambda it: (
                it["role"] == "developer" and "\\ud" in repr(it["content"])
            ),
        },
    )


def test_broken_utf8() -> None:
    """Bytes are whole characters, invalid, or cut short, also several times over."""
    _assert_reaches(
        utf8.broken_utf8(),
        {
            "valid": lambda data: data != b"" and "\ufffd" not in data.decode(errors="replace"),
            "invalid": lambda data: b"\xff" in data,
            "invalid twice": lambda data: data.decode(errors="replace").count("\ufffd") > 1,
            "text after the error": lambda data: (
                not data.decode(errors="replace").endswith("\ufffd")
                and "\ufffd" in data.decode(errors="replace")
            ),
            "cut short": lambda data: data.endswith((b"\xe2\x82", b"\xf0\x9f\x98", b"\xe6\x97")),
            "a surrogate": lambda data: b"\xed\xa0\x80" in data,
            "an overlong form": lambda data: b"\xc0\xaf" in data or b"\xe0\x80\x80" in data,
        },
    )


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """The token ids of drawn segments."""
    return Vocabulary(token_bytes(), harmony.load_harmony_encoding("HarmonyGptOss"))


@dataclass(frozen=True)
class _Parsed:
    """A stream, its tokens, and the messages or the error that parsing them comes to."""

    stream: Stream
    tokens: list[int]
    strict: list[harmony.Message] | str
    lenient: list[harmony.Message] | str


def _parsed(drawn: st.SearchStrategy[Stream], vocabulary: Vocabulary) -> st.SearchStrategy[_Parsed]:
    encoding = harmony.load_harmony_encoding("HarmonyGptOss")

    def parse(stream: Stream, *, strict: bool) -> list[harmony.Message] | str:
        role = None if stream.role is None else harmony.Role(stream.role)
        tokens = vocabulary.stream_tokens(stream)
        try:
            return encoding.parse_messages_from_completion_tokens(tokens, role, strict=strict)
        except harmony.HarmonyError as error:
            return str(error)

    return drawn.map(
        lambda stream: _Parsed(
            stream=stream,
            tokens=vocabulary.stream_tokens(stream),
            strict=parse(stream, strict=True),
            lenient=parse(stream, strict=False),
        )
    )


def _fails(phrase: str) -> Callable[[_Parsed], bool]:
    """Whether strict parsing fails with this phrase."""
    return lambda parsed: isinstance(parsed.strict, str) and phrase in parsed.strict


def _finds(is_kind: Callable[[harmony.Message], object]) -> Callable[[_Parsed], bool]:
    """Whether strict parsing finds a message of a kind."""
    return lambda parsed: isinstance(parsed.strict, list) and any(map(is_kind, parsed.strict))


def _rescues(is_kind: Callable[[harmony.Message], object]) -> Callable[[_Parsed], bool]:
    """Whether only non-strict parsing works, and finds a message of a kind."""
    return lambda parsed: (
        isinstance(parsed.strict, str)
        and isinstance(parsed.lenient, list)
        and any(map(is_kind, parsed.lenient))
    )


def _is_parsed(parsed: _Parsed) -> bool:
    return isinstance(parsed.strict, list)


def _is_lost(parsed: _Parsed) -> bool:
    return isinstance(parsed.strict, str) and isinstance(parsed.lenient, str)


def _is_any(_: harmony.Message) -> bool:
    return True


def _text(message: harmony.Message) -> str:
    content = message.content[0]
    assert isinstance(content, harmony.TextContent)
    return content.text


def test_well_formed_streams(vocabulary: Vocabulary) -> None:
    """Good completions parse, with every header field, and with text of all sorts."""
    _assert_reaches(
        _parsed(streams.well_formed_streams(), vocabulary),
        {
            "several messages": lambda it: len(it.strict) > 1,
            "no preset role": lambda it: it.stream.role is None,
            "a preset role": lambda it: it.stream.role is not None,
            "the preset role spelt out": lambda it: (
                it.stream.segments[0] == Text(it.stream.role or "none")
            ),
            "a channel": _finds(lambda it: it.channel),
            "a recipient": _finds(lambda it: it.recipient),
            "a content type": _finds(lambda it: it.content_type),
            "a constrained content type": _finds(
                lambda it: (it.content_type or "").startswith("<|constrain|>")
            ),
            "a tool's message": _finds(lambda it: it.author.name),
            "empty text": _finds(lambda it: not _text(it)),
            "invalid UTF-8": _finds(lambda it: "\ufffd" in _text(it)),
            "a character of several tokens": _finds(lambda it: "\U0010ffff" in _text(it)),
            "specials in the text": _finds(lambda it: "<|start|>" in _text(it)),
            "no stop token": lambda it: it.tokens[-1] not in (200002, 200007, 200012),
        },
    )


def test_odd_headers(vocabulary: Vocabulary) -> None:
    """Odd headers make every error that a header can make, and messages with odd fields."""
    completions = headers.odd_headers().map(
        lambda header: Stream(None, (Special("start"), *header, Special("message")))
    )
    _assert_reaches(
        _parsed(completions, vocabulary),
        {
            "no role": _fails("message header did not contain a role"),
            "an unknown role": _fails("Unknown role"),
            "an empty channel": _fails("no channel value"),
            "words left over": _fails("unexpected tokens remaining"),
            "an empty recipient": _finds(lambda it: it.recipient == ""),
            "a constraint as the recipient": _finds(
                lambda it: (it.recipient or "").startswith("<|constrain|>")
            ),
            "two constraints": _finds(
                lambda it: (it.recipient or "").startswith("<|") and it.content_type
            ),
            "a stop token in the header": _finds(lambda it: "<|end|>" in (it.recipient or "")),
            "a start token in the header": _finds(lambda it: "<|start|>" in (it.recipient or "")),
            "a tool with an odd name": _finds(lambda it: it.author.name == "user:bob"),
            "a tool of that name": _finds(lambda it: it.author.name == "tool"),
            "white space around the role": _finds(
                lambda it: it.author.role is harmony.Role.ASSISTANT and not it.recipient
            ),
            "a separator in the channel": _finds(lambda it: "\x1c" in (it.channel or "")),
        },
    )


def test_streams_with_bad_headers(vocabulary: Vocabulary) -> None:
    """Headers fail in every way, and some that look bad are right."""
    _assert_reaches(
        _parsed(streams.streams_with_bad_headers(), vocabulary),
        {
            "no role": _fails("message header did not contain a role"),
            "an unknown role": _fails("Unknown role"),
            "an empty channel": _fails("no channel value"),
            "words left over": _fails("unexpected tokens remaining"),
            "undecodable": _fails("could not decode header"),
            "an invalid token": lambda it: max(it.tokens) >= FIRST_INVALID_TOKEN,
            "parsed all the same": _is_parsed,
        },
        examples=1_500,
    )


def test_mutated_streams(vocabulary: Vocabulary) -> None:
    """Mutations of every kind break completions, and leave some of them whole."""
    _assert_reaches(
        _parsed(streams.mutated_streams(), vocabulary),
        {
            "unbroken": _is_parsed,
            "rescued": _rescues(_is_any),
            "broken for good": _is_lost,
            "no start": _fails("while expecting start token"),
            "no end of the header": _fails("Unexpected EOS"),
            **{kind: _has_mutation(kind) for kind in ("delete", "insert", "swap", "truncate")},
        },
        examples=600,
    )


def _has_mutation(kind: str) -> Callable[[_Parsed], bool]:
    return lambda parsed: any(mutation.kind == kind for mutation in parsed.stream.mutations)


def test_rescuable_streams(vocabulary: Vocabulary) -> None:
    """Non-strict parsing makes messages of unfinished headers, or nothing, or fails."""
    _assert_reaches(
        _parsed(streams.rescuable_streams(), vocabulary),
        {
            "rescued": _rescues(_is_any),
            "rescued with text": _rescues(_text),
            "rescued with a channel": _rescues(lambda it: it.channel),
            "nothing to rescue": lambda it: it.lenient == [],
            "broken for good": _is_lost,
        },
        examples=600,
    )


def test_random_streams(vocabulary: Vocabulary) -> None:
    """Random tokens parse now and then, and fail in the header and outside."""
    _assert_reaches(
        _parsed(streams.random_streams(), vocabulary),
        {
            "empty": lambda it: not it.stream.segments,
            "parsed": lambda it: bool(it.stream.segments) and _is_parsed(it),
            "no start": _fails("while expecting start token"),
            "no end of the header": _fails("Unexpected EOS"),
        },
    )


def test_special_rules() -> None:
    """Both rules are left out, `all`, empty and a set."""
    _assert_reaches(
        special_rules.special_rules().map(special_rules.SpecialRules.as_keywords),
        {
            "the defaults": lambda it: it == {},
            "all allowed": lambda it: it.get("allowed_special") == "all",
            "some allowed": lambda it: isinstance(it.get("allowed_special"), frozenset),
            "all disallowed": lambda it: it.get("disallowed_special") == "all",
            "some disallowed": lambda it: bool(it.get("disallowed_special")),
            "nothing disallowed": lambda it: it.get("disallowed_special") == (),
            "both": lambda it: len(it) == 2,
        },
    )


def test_token_lists() -> None:
    """Lists hold specials, single bytes and ids that do not exist."""
    _assert_reaches(
        token_lists.token_lists(),
        {
            "empty": lambda it: not it,
            "a special token": lambda it: any(
                token_lists.FIRST_SPECIAL_TOKEN <= token < FIRST_INVALID_TOKEN for token in it
            ),
            "bytes": lambda it: len(it) > 1 and max(it) < 256,
            "no token": lambda it: max(it, default=0) >= FIRST_INVALID_TOKEN,
        },
    )


def test_model_arguments() -> None:
    """Every model is constructed from some arguments and refuses others."""
    _assert_reaches(
        model_arguments.model_arguments(),
        {
            **{f"a {name}": _constructs(name, accepted=True) for name in model_arguments.MODELS},
            **{f"no {name}": _constructs(name, accepted=False) for name in model_arguments.MODELS},
        },
        examples=1_000,
    )


def _constructs(name: str, *, accepted: bool) -> Callable[[model_arguments.ModelArguments], bool]:
    def is_kind(drawn: model_arguments.ModelArguments) -> bool:
        return drawn.model == name and _is_accepted(drawn) is accepted

    return is_kind


def _is_accepted(drawn: model_arguments.ModelArguments) -> bool:
    try:
        getattr(harmony, drawn.model)(**drawn.arguments)
    except ValidationError:
        return False
    return True
