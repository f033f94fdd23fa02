"""Conversations, and completions as models and renderers write them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema

from harmony_server.core import (
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    Message,
    ParseOptions,
    Role,
    SystemContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from harmony_server.core.events import MessageCompleted, Recovered
from harmony_server.core.tokenizer import CALL, CHANNEL, END, MESSAGE, RETURN, SPECIAL_TOKENS, START

from .matchers import FIRST_SPECIAL, NAMED_TOKENS, Matcher

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "A city."},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
        "near": {
            "type": "object",
            "properties": {"lat": {"type": "number"}, "long": {"type": "number"}},
            "required": ["lat", "long"],
        },
    },
    "required": ["city"],
}
SEARCH: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1, "maxLength": 12},
        "filter": {"$ref": "#/$defs/filter"},
        "page": {"type": ["integer", "null"]},
    },
    "required": ["query", "page"],
    "$defs": {
        "filter": {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "all": {"type": "array", "items": {"$ref": "#/$defs/filter"}},
                    },
                    "required": ["all"],
                },
                {
                    "type": "object",
                    "properties": {"field": {"const": "a<|end|>b"}, "value": True},
                    "required": ["field"],
                },
            ]
        }
    },
}
ANSWER: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "sure": {"type": "boolean"}},
    "required": ["answer", "sure"],
    "additionalProperties": False,
}
ANSWER_JSON = json.dumps(ANSWER)


def conversation(*, builtins: bool = True) -> Conversation:
    """Returns a conversation with tools."""
    system = SystemContent.new()
    if builtins:
        system = system.with_python_tool().with_browser_tool()
    developer = (
        DeveloperContent.new()
        .with_instructions("Be brief.")
        .with_function_tools(
            [
                ToolDescription.new("get", "A prefix of another name."),
                ToolDescription.new("get_weather", "The weather.", WEATHER),
                ToolDescription.new("search", "Searches.", SEARCH),
                ToolDescription.new("free", "Takes anything.", {"type": "object"}),
            ]
        )
        .with_tools(
            ToolNamespaceConfig(
                name="files", tools=[ToolDescription.new("open", "Opens a file.", {})]
            )
        )
    )
    return Conversation.from_messages(
        [
            Message.from_role_and_content(Role.SYSTEM, system),
            Message.from_role_and_content(Role.DEVELOPER, developer),
            Message.from_role_and_content(Role.USER, "Hi"),
        ]
    )


SCHEMAS: dict[str, Any] = {
    "functions.get": {"type": "object", "additionalProperties": False},
    "functions.get_weather": WEATHER,
    "functions.search": SEARCH,
    "functions.free": {"type": "object"},
    "files.open": {"type": "object"},
    **{f"browser.{tool.name}": tool.parameters for tool in ToolNamespaceConfig.browser().tools},
}


def tokens_of(encoding: HarmonyEncoding, written: str) -> list[int]:
    """Returns the tokens of a text in which the spellings of special tokens are these."""
    return encoding.encode(written, allowed_special="all")


def first_refused(matcher: Matcher, tokens: Sequence[int]) -> int | None:
    """Returns the index of the first token that is refused, or None.

    Mask and accept must agree.
    """
    for index, token in enumerate(tokens):
        is_allowed = bool(matcher.allowed_among([token]))
        if not is_allowed:
            return index
        assert matcher.accept(token), f"token {index} is allowed, but not accepted"
    return None


# What ends a turn soon; earlier is better.
_CLOSING = (RETURN, CALL, MESSAGE, END, CHANNEL, START)
_CLOSING_TEXTS = ('"', "}", "]", "final", ",", ":", "n", "0", "a", "{")
_FREE_TOKENS = 120
MAX_TOKENS = 400
_CANDIDATES = 48


class Sampler:
    """An adversary: it writes anything that the mask allows, special tokens first."""

    def __init__(self, encoding: HarmonyEncoding, seed: int) -> None:
        self._random = random.Random(seed)
        self._specials = range(FIRST_SPECIAL, NAMED_TOKENS)
        self._closing = [
            *_CLOSING,
            *(token for text in _CLOSING_TEXTS for token in encoding.encode_ordinary(text)),
        ]
        self._bytes = list(range(256))
        # Pieces of markers, of JSON and of headers, in ordinary tokens.
        self._tempting = sorted(
            {
                token
                for text in (
                    "<|end|>", "<|", "|>", "end", "start", "assistant", " to=functions.get",
                    '{"', '":', '","', '"}', "]}", "\\u003c", " json", "<|call|>", "_weather",
                    "city", "unit", "true", "null", "[[", '"query"', "final", "analysis",
                )
                for token in encoding.encode_ordinary(text)
            }
        )  # fmt: skip

    def write(
        self, matcher: Matcher, stop_tokens: Sequence[int] = (RETURN, CALL)
    ) -> list[int] | None:
        """Returns a turn with its stop token, or None if it does not end."""
        tokens: list[int] = []
        while len(tokens) < MAX_TOKENS:
            token = self._pick(matcher, len(tokens))
            assert matcher.accept(token), f"{token} is allowed, but not accepted"
            tokens.append(token)
            if token in stop_tokens:
                return tokens
        return None

    def _pick(self, matcher: Matcher, written: int) -> int:
        if written >= _FREE_TOKENS:
            allowed = set(matcher.allowed_among(self._closing))
            for token in self._closing:
                if token in allowed:
                    return token
        for candidates in self._candidate_lists():
            if allowed_tokens := matcher.allowed_among(candidates):
                return self._random.choice(allowed_tokens)
        allowed_tokens = list(matcher.allowed())
        assert allowed_tokens, "the mask allows nothing"
        return self._random.choice(allowed_tokens)

    def _candidate_lists(self) -> Iterator[Sequence[int]]:
        chance = self._random.random()
        if chance < 0.4:
            yield self._specials
        if chance < 0.7:
            yield self._random.sample(self._tempting, 16)
        yield [self._random.randrange(FIRST_SPECIAL) for _ in range(_CANDIDATES)]
        yield self._specials
        yield self._tempting
        yield self._bytes


def check_turn(
    encoding: HarmonyEncoding,
    tokens: Sequence[int],
    *,
    schemas: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    called: bool | None = None,
    recipients: Sequence[str] | None = None,
) -> list[MessageCompleted]:
    """Checks that a turn is well-formed, and returns its messages.

    Args:
        encoding: The encoding.
        tokens: The turn, with the prefill and the stop token.
        schemas: By recipient, the schemas of calls; None: the bodies are not checked.
        answer: The schema of the answer.
        called: Whether it must, or must not, end with a call.
        recipients: The recipients that may occur; None: those of SCHEMAS and `python`.
    """
    events = encoding.parse_events(tokens, Role.ASSISTANT, ParseOptions())
    messages = [event for event in events if isinstance(event, MessageCompleted)]
    recovering = encoding.parse_events(tokens, Role.ASSISTANT, ParseOptions(recover=True))
    assert [event for event in recovering if isinstance(event, Recovered)] == []
    *befores, last = messages
    for message in befores:
        assert message.header.recipient is None
        assert message.header.channel in ("analysis", "commentary")
        assert message.header.content_type is None
        assert message.stop_token == END
    assert last.stop_token in (RETURN, CALL, None)
    recipient = last.header.recipient
    assert called is None or (recipient is not None) == called
    if recipient is None:
        assert last.header.channel == "final"
        assert last.header.content_type is None
        if answer is not None:
            validate(last.text, answer)
        return messages
    assert last.header.channel in ("analysis", "commentary")
    assert last.header.content_type in (
        None,
        "json",
        "code",
        "<|constrain|>json",
        "<|constrain|>code",
    )
    if recipients is None:
        recipients = [*SCHEMAS, "python"]
    assert recipient in recipients or not recipients
    if schemas is not None and recipient in schemas:
        validate(last.text, schemas[recipient])
    return messages


def validate(text: str, schema: dict[str, Any]) -> None:
    """Checks a text against a JSON Schema."""
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    for spelling in SPECIAL_TOKENS:
        if spelling in text:
            raise AssertionError(f"{spelling} in {text}")
