"""Each strategy draws every kind of value that it is meant to cover."""

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

# Drawn in rounds, to stop once every kind has occurred.
_ROUND = 100
_EXAMPLES = 500


def _assert_reaches(
    strategy: st.SearchStrategy[_Drawn], kinds: _Kinds[_Drawn], examples: int = _EXAMPLES
) -> None:
    """Draws the same examples in every run, and fails unless each kind occurs."""
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
    assert not missing, f"no example of these kinds: {sorted(missing)}"


def _holds(*parts: str) -> Callable[[str], bool]:
    return lambda text: any(part in text for part in parts)


def test_texts() -> None:
    """Texts have special tokens, white space of every kind, and characters from all of Unicode."""
    _assert_reaches(
        texts.texts(),
        {
            "empty": lambda text: not text,
            "a special token": _holds("<|end|>", "<|message|>", "<|start|>"),
            "part of a special token": lambda text: re.search(r"<\|(?!\w+\|>)", text) is not None,
            "a line ending": _holds("\r\n"),
            "white space only in Python": _holds("\x1c", "\x1d", "\x1e", "\x1f"),
            "white space beyond ASCII": _holds("\x85", "\xa0", "\u2028"),
            "beyond the basic plane": lambda text: max(text, default="") > "\uffff",
            "a control character": _holds("\x00"),
            "long": lambda text: len(text) > 30,
        },
    )


def test_descriptions() -> None:
    """Descriptions have every kind of line ending."""
    _assert_reaches(
        texts.descriptions(),
        {
            "one line": lambda text: text != "" and not set("\r\n") & set(text),
            "CR LF": _holds("\r\n"),
            "a lone CR": lambda text: re.search(r"\r(?!\n)", text) is not None,
            "an empty line": _holds("\n\n", "\r\n\r\n"),
            "a Unicode line ending": _holds("\x85", "\u2028"),
            "a line ending at the end": lambda text: text.endswith("\n"),
        },
    )


def test_texts_with_surrogates() -> None:
    """Surrogates occur alone, in pairs and in the wrong order."""
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
    """Every kind of value occurs, including numbers that are hard to read or print."""
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
    """Yields a schema and every schema within it that the renderer reads."""
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


@pytest.mark.long
def test_schemas() -> None:
    """Some schema matches each rule of the renderer, and each kind of malformed schema occurs."""
    _assert_reaches(
        schemas.schemas(),
        {
            "oneOf at the top": _variants_at_the_top,
            "oneOf in a property": _in_a_property(_variants),
            "oneOf in oneOf": _anywhere(
                lambda schema: any(isinstance(v, dict) and _variants(v) for v in _variants(schema))
            ),
            "oneOf described like its first variant": _in_a_property(
                _described_like_its_first_variant
            ),
            "oneOf with a default": _in_a_property(
                lambda schema: _variants(schema) and "default" in schema
            ),
            "oneOf that is not a list": _anywhere(
                lambda schema: not isinstance(schema.get("oneOf", []), list)
            ),
            "oneOf with a variant that is not an object": _anywhere(
                lambda schema: any(not isinstance(v, dict) for v in _variants(schema))
            ),
            "oneOf with a nullable variant": _anywhere(
                lambda schema: any(
                    isinstance(v, dict) and v.get("nullable") is True for v in _variants(schema)
                )
            ),
            "several types": _anywhere(
                lambda schema: isinstance(schema.get("type"), list) and schema["type"]
            ),
            "types that are not strings": _anywhere(
                lambda schema: (
                    isinstance(schema.get("type"), list)
                    and any(not isinstance(name, str) for name in schema["type"])
                )
            ),
            "a type that is not a string": _anywhere(
                lambda schema: "type" in schema and not isinstance(schema["type"], str | list)
            ),
            "an object in an object": _in_a_property(lambda schema: schema.get("type") == "object"),
            "an array in an array": _anywhere(
                lambda schema: (
                    schema.get("type") == "array"
                    and isinstance(schema.get("items"), dict)
                    and schema["items"].get("type") == "array"
                )
            ),
            "an array without items": _anywhere(
                lambda schema: schema.get("type") == "array" and "items" not in schema
            ),
            "items that are not a schema": _anywhere(
                lambda schema: "items" in schema and not isinstance(schema["items"], dict)
            ),
            "properties that are not an object": _anywhere(
                lambda schema: not isinstance(schema.get("properties", {}), dict)
            ),
            "a property that is not a schema": _anywhere(
                lambda schema: any(not isinstance(v, dict) for v in _properties(schema).values())
            ),
            "a required property": _anywhere(
                lambda schema: (
                    isinstance(schema.get("required"), list)
                    and any(name in schema["required"] for name in _properties(schema))
                )
            ),
            "required that is not a list": _anywhere(
                lambda schema: not isinstance(schema.get("required", []), list)
            ),
            "an enum of strings": _anywhere(_has_enum_of_strings),
            "an enum with numbers": _anywhere(
                lambda schema: (
                    isinstance(schema.get("enum"), list) and any(map(_is_integer, schema["enum"]))
                )
            ),
            "an enum that is not a list": _anywhere(
                lambda schema: not isinstance(schema.get("enum", []), list)
            ),
            "an enum with a default": _in_a_property(
                lambda schema: (
                    _has_enum_of_strings(schema) and isinstance(schema.get("default"), str)
                )
            ),
            "a default null": _in_a_property(_has_default(type(None))),
            "a default bool": _in_a_property(_has_default(bool)),
            "a default integer": _in_a_property(_has_default(int)),
            "a default float": _in_a_property(_has_default(float)),
            "a default text": _in_a_property(_has_default(str)),
            "a default list": _in_a_property(_has_default(list)),
            "a default object": _in_a_property(_has_default(dict)),
            "a nullable property": _in_a_property(lambda schema: schema.get("nullable") is True),
            "nullable that is not a bool": _in_a_property(
                lambda schema: not isinstance(schema.get("nullable", True), bool)
            ),
            "a title": _in_a_property(lambda schema: isinstance(schema.get("title"), str)),
            "a title that is not a string": _in_a_property(
                lambda schema: not isinstance(schema.get("title", ""), str)
            ),
            "a description of several lines": _in_a_property(
                lambda schema: (
                    isinstance(schema.get("description"), str) and "\r\n" in schema["description"]
                )
            ),
            "examples": _in_a_property(
                lambda schema: isinstance(schema.get("examples"), list) and schema["examples"]
            ),
            "examples that are not strings": _in_a_property(
                lambda schema: (
                    isinstance(schema.get("examples"), list)
                    and any(not isinstance(example, str) for example in schema["examples"])
                )
            ),
            "anyOf": _anywhere(lambda schema: "anyOf" in schema),
            "allOf": _anywhere(lambda schema: "allOf" in schema),
            "a reference": _anywhere(lambda schema: "$ref" in schema),
            "a constant": _anywhere(lambda schema: "const" in schema),
            "an unknown type": _anywhere(lambda schema: schema.get("type") == "x"),
            "no type": _anywhere(lambda schema: not schema),
        },
        examples=2_500,
    )


def _variants_at_the_top(schema: dict[str, Any]) -> bool:
    return bool(_variants(schema))


def test_nested_schemas() -> None:
    """Depths occur on both sides of each limit."""
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
    """Keys differ from names, and some namespaces have no tools, some tools no parameters."""
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
            "a namespace without tools": _has_namespace(lambda namespace: not namespace["tools"]),
            "a description without tools": _has_namespace(
                lambda namespace: not namespace["tools"] and namespace.get("description")
            ),
            "no description": _has_namespace(
                lambda namespace: namespace.get("description") is None
            ),
            "a tool with parameters": _has_tool(lambda tool: tool.get("parameters")),
            "a tool with parameters None": _has_tool(
                lambda tool: tool.get("parameters", 1) is None
            ),
            "a tool without parameters": _has_tool(lambda tool: "parameters" not in tool),
        },
    )


def _has_namespace(is_kind: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bool]:
    return lambda toolset: any(map(is_kind, toolset.values()))


def _has_tool(is_kind: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], bool]:
    return _has_namespace(lambda namespace: any(map(is_kind, namespace["tools"])))


def test_system_contents() -> None:
    """Each field of a system content is missing, None and set."""
    fields = set(harmony.SystemContent.model_fields)
    _assert_reaches(
        contents.system_contents(),
        {
            **{f"no {name}": _lacks(name) for name in fields},
            **{f"{name} None": _has(name, None) for name in fields},
            **{f"{name} set": _has_set(name) for name in fields},
            "no channels": lambda content: (
                (content.get("channel_config") or {}).get("valid_channels") == []
            ),
            "tools": lambda content: bool(content.get("tools")),
        },
    )


def _lacks(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda item: name not in item


def _has(name: str, value: object) -> Callable[[dict[str, Any]], bool]:
    return lambda item: name in item and item[name] == value


def _has_set(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda item: item.get(name) is not None


def test_developer_contents() -> None:
    """Developer contents have instructions, tools, both and neither."""
    _assert_reaches(
        contents.developer_contents(),
        {
            "nothing": lambda content: (
                content.get("instructions") is None and not content.get("tools")
            ),
            "both": lambda content: bool(content.get("instructions") and content.get("tools")),
            "instructions of several lines": lambda content: (
                "\n" in (content.get("instructions") or "")
            ),
            "empty instructions": lambda content: content.get("instructions") == "",
        },
    )


def test_messages() -> None:
    """Every role, kind of content and header field occurs, even where it is not allowed."""
    _assert_reaches(
        messages.messages(),
        {
            **{role: _has("role", role) for role in messages.ROLES},
            "several contents": lambda message: len(_content_types(message)) > 1,
            "no contents": lambda message: message["content"] == [],
            "text and system content": lambda message: (
                {"text", "system_content"} <= _content_types(message)
            ),
            "developer content": lambda message: "developer_content" in _content_types(message),
            "misplaced system content": lambda message: (
                "system_content" in _content_types(message) and message["role"] != "system"
            ),
            "misplaced developer content": lambda message: (
                "developer_content" in _content_types(message) and message["role"] != "developer"
            ),
            "a tool without a name": lambda message: (
                message["role"] == "tool" and message.get("name") is None
            ),
            "a tool with a name": lambda message: (
                message["role"] == "tool" and bool(message.get("name"))
            ),
            "a user with a name": lambda message: (
                message["role"] == "user" and bool(message.get("name"))
            ),
            "a recipient": lambda message: message.get("recipient") not in (None, "all"),
            "everyone as the recipient": lambda message: message.get("recipient") == "all",
            "the assistant calling everyone": lambda message: (
                message["role"] == "assistant" and message.get("recipient") == "all"
            ),
            "an empty recipient": lambda message: message.get("recipient") == "",
            "a channel": lambda message: bool(message.get("channel")),
            "an empty channel": lambda message: message.get("channel") == "",
            "a content type": lambda message: message.get("content_type") == "json",
            "a constrained content type": lambda message: (
                message.get("content_type") == "<|constrain|>json"
            ),
            "an empty constrained content type": lambda message: (
                message.get("content_type") == "<|constrain|>"
            ),
            "all header fields": lambda message: bool(
                message.get("recipient") and message.get("channel") and message.get("content_type")
            ),
        },
        examples=1_500,
    )


def _content_types(message: dict[str, Any]) -> set[str]:
    content = message["content"]
    return set() if isinstance(content, str) else {item["type"] for item in content}


def test_conversations() -> None:
    """Analysis is dropped, kept and missing, and some conversations have function tools."""
    _assert_reaches(
        conversations.conversations(),
        {
            "empty": lambda conversation: not conversation["messages"],
            "long": lambda conversation: len(conversation["messages"]) > 4,
            "dropped analysis": lambda conversation: (
                _ends_final(conversation) and _has_analysis_before_final(conversation)
            ),
            "analysis kept because the last answer is not final": lambda conversation: (
                not _ends_final(conversation) and _has_analysis_before_final(conversation)
            ),
            "analysis after the first final": lambda conversation: bool(
                re.search("final .*analysis .*final", _channels(conversation))
            ),
            "a final user message": lambda conversation: any(
                message["role"] == "user" and message.get("channel") == "final"
                for message in conversation["messages"]
            ),
            "function tools": lambda conversation: '"functions": {' in json.dumps(conversation),
            "system and developer content": lambda conversation: all(
                kind in json.dumps(conversation) for kind in ("system_content", "developer_content")
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
    """Each kind of value that JSON cannot express occurs, and surrogate pairs do."""
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
            "rendered": lambda message: not raises(Exception)(message),
            "NaN": lambda message: "nan" in repr(message),
            "a huge integer": lambda message: "0" * 300 in repr(message),
            "a surrogate in a header": lambda message: "\\ud" in repr({**message, "content": ""}),
            "a surrogate in system content": lambda message: (
                message["role"] == "system" and "\\ud" in repr(message["content"])
            ),
            "a surrogate in parameters": lambda message: (
                message["role"] == "developer" and "\\ud" in repr(message["content"])
            ),
        },
    )


def test_broken_utf8() -> None:
    """Bytes are whole characters, invalid and truncated, also several times."""
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
    """Converts drawn segments to token ids."""
    return Vocabulary(token_bytes(), harmony.load_harmony_encoding("HarmonyGptOss"))


@dataclass(frozen=True)
class _Parsed:
    """A stream, its tokens, and the messages or the error of each mode."""

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
    """Returns whether strict mode fails with this phrase."""
    return lambda parsed: isinstance(parsed.strict, str) and phrase in parsed.strict


def _finds(is_kind: Callable[[harmony.Message], object]) -> Callable[[_Parsed], bool]:
    """Returns whether strict mode gives a message of a kind."""
    return lambda parsed: isinstance(parsed.strict, list) and any(map(is_kind, parsed.strict))


def _only_lenient_finds(is_kind: Callable[[harmony.Message], object]) -> Callable[[_Parsed], bool]:
    """Returns whether only lenient mode succeeds, and gives a message of a kind."""
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
    """Well-formed completions have every header field and text of every kind."""
    _assert_reaches(
        _parsed(streams.well_formed_streams(), vocabulary),
        {
            "several messages": lambda parsed: len(parsed.strict) > 1,
            "no preset role": lambda parsed: parsed.stream.role is None,
            "a preset role": lambda parsed: parsed.stream.role is not None,
            "the preset role spelled out": lambda parsed: (
                parsed.stream.segments[0] == Text(parsed.stream.role or "none")
            ),
            "a channel": _finds(lambda message: message.channel),
            "a recipient": _finds(lambda message: message.recipient),
            "a content type": _finds(lambda message: message.content_type),
            "a constrained content type": _finds(
                lambda message: (message.content_type or "").startswith("<|constrain|>")
            ),
            "a tool's message": _finds(lambda message: message.author.name),
            "empty text": _finds(lambda message: not _text(message)),
            "invalid UTF-8": _finds(lambda message: "\ufffd" in _text(message)),
            "a character of several tokens": _finds(lambda message: "\U0010ffff" in _text(message)),
            "specials in the text": _finds(lambda message: "<|start|>" in _text(message)),
            "no stop token": lambda parsed: parsed.tokens[-1] not in (200002, 200007, 200012),
        },
    )


def test_odd_headers(vocabulary: Vocabulary) -> None:
    """Odd headers cause every error that a header can cause, and messages with odd fields."""
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
            "an empty recipient": _finds(lambda message: message.recipient == ""),
            "a constraint as the recipient": _finds(
                lambda message: (message.recipient or "").startswith("<|constrain|>")
            ),
            "two constraints": _finds(
                lambda message: (message.recipient or "").startswith("<|") and message.content_type
            ),
            "a stop token in the header": _finds(
                lambda message: "<|end|>" in (message.recipient or "")
            ),
            "a start token in the header": _finds(
                lambda message: "<|start|>" in (message.recipient or "")
            ),
            "a tool with an odd name": _finds(lambda message: message.author.name == "user:bob"),
            "a tool of that name": _finds(lambda message: message.author.name == "tool"),
            "white space around the role": _finds(
                lambda message: (
                    message.author.role is harmony.Role.ASSISTANT and not message.recipient
                )
            ),
            "a separator in the channel": _finds(lambda message: "\x1c" in (message.channel or "")),
        },
    )


@pytest.mark.long
def test_streams_with_bad_headers(vocabulary: Vocabulary) -> None:
    """Headers fail in every way, and some are accepted."""
    _assert_reaches(
        _parsed(streams.streams_with_bad_headers(), vocabulary),
        {
            "no role": _fails("message header did not contain a role"),
            "an unknown role": _fails("Unknown role"),
            "an empty channel": _fails("no channel value"),
            "words left over": _fails("unexpected tokens remaining"),
            "undecodable": _fails("could not decode header"),
            "an invalid token": lambda parsed: max(parsed.tokens) >= FIRST_INVALID_TOKEN,
            "parsed after all": _is_parsed,
        },
        examples=1_500,
    )


def test_mutated_streams(vocabulary: Vocabulary) -> None:
    """Mutations of every kind occur; some make a completion malformed and some do not."""
    _assert_reaches(
        _parsed(streams.mutated_streams(), vocabulary),
        {
            "still well-formed": _is_parsed,
            "parsed in lenient mode only": _only_lenient_finds(_is_any),
            "parsed in neither mode": _is_lost,
            "no start": _fails("while expecting start token"),
            "no end of the header": _fails("Unexpected EOS"),
            **{kind: _has_mutation(kind) for kind in ("delete", "insert", "swap", "truncate")},
        },
        examples=600,
    )


def _has_mutation(kind: str) -> Callable[[_Parsed], bool]:
    return lambda parsed: any(mutation.kind == kind for mutation in parsed.stream.mutations)


def test_streams_with_stopped_headers(vocabulary: Vocabulary) -> None:
    """Lenient mode turns unfinished headers into messages, drops them, or fails."""
    _assert_reaches(
        _parsed(streams.streams_with_stopped_headers(), vocabulary),
        {
            "a message": _only_lenient_finds(_is_any),
            "a message with text": _only_lenient_finds(_text),
            "a message with a channel": _only_lenient_finds(lambda message: message.channel),
            "no message": lambda parsed: parsed.lenient == [],
            "parsed in neither mode": _is_lost,
        },
        examples=600,
    )


def test_random_streams(vocabulary: Vocabulary) -> None:
    """Random tokens fail inside and outside headers, and some parse."""
    _assert_reaches(
        _parsed(streams.random_streams(), vocabulary),
        {
            "empty": lambda parsed: not parsed.stream.segments,
            "parsed": lambda parsed: bool(parsed.stream.segments) and _is_parsed(parsed),
            "no start": _fails("while expecting start token"),
            "no end of the header": _fails("Unexpected EOS"),
        },
    )


def test_special_rules() -> None:
    """Each rule is missing, `all` and a set, and nothing may be disallowed."""
    _assert_reaches(
        special_rules.special_rules().map(special_rules.SpecialRules.as_keywords),
        {
            "the defaults": lambda rules: rules == {},
            "all allowed": lambda rules: rules.get("allowed_special") == "all",
            "some allowed": lambda rules: isinstance(rules.get("allowed_special"), frozenset),
            "all disallowed": lambda rules: rules.get("disallowed_special") == "all",
            "some disallowed": lambda rules: bool(rules.get("disallowed_special")),
            "nothing disallowed": lambda rules: rules.get("disallowed_special") == (),
            "both": lambda rules: len(rules) == 2,
        },
    )


def test_token_lists() -> None:
    """Lists have special tokens, single bytes and unknown ids."""
    _assert_reaches(
        token_lists.token_lists(),
        {
            "empty": lambda tokens: not tokens,
            "a special token": lambda tokens: any(
                token_lists.FIRST_SPECIAL_TOKEN <= token < FIRST_INVALID_TOKEN for token in tokens
            ),
            "bytes": lambda tokens: len(tokens) > 1 and max(tokens) < 256,
            "no token": lambda tokens: max(tokens, default=0) >= FIRST_INVALID_TOKEN,
        },
    )


def test_model_arguments() -> None:
    """Every model accepts some arguments and refuses others."""
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
