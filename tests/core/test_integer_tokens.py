"""Tokens that Python takes for integers without being `int`, such as the scalars of arrays."""

import operator
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harmony_server import core
from harmony_server.core.events import Event, MessageCompleted
from tests.support.encodings import encoding, tokens_of

_COMPLETION = (
    "<|channel|>analysis<|message|>Two \U0001fae1 words.<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    "<|start|>assistant<|channel|>final<|message|>Four<|return|>"
)


class Scalar:
    """A scalar as in torch: an integer by `__index__`, hashed by identity, compared to scalars."""

    __hash__ = object.__hash__

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value

    def __eq__(self, other: object) -> "Scalar":  # type: ignore[override]  # as in torch
        return Scalar(operator.index(other) == self.value)  # type: ignore[arg-type]

    def __lt__(self, other: int) -> "Scalar":
        return Scalar(self.value < other)

    def __bool__(self) -> bool:
        return bool(self.value)


def _scalars(tokens: list[int]) -> list[Scalar]:
    return list(map(Scalar, tokens))


def _array(tokens: list[int]) -> "array[int]":
    return array("q", tokens)


def _numpy_array(tokens: list[int]) -> Any:
    return pytest.importorskip("numpy", reason="numpy is missing").array(tokens)


def _numpy_scalars(tokens: list[int]) -> list[Any]:
    return list(_numpy_array(tokens))


def _torch_tensor(tokens: list[int]) -> Any:
    return pytest.importorskip("torch", reason="torch is missing").tensor(tokens)


def _torch_scalars(tokens: list[int]) -> list[Any]:
    return list(_torch_tensor(tokens))


_KINDS = [_scalars, _array, _numpy_array, _numpy_scalars, _torch_tensor, _torch_scalars]
_OPTIONS = [
    core.ParseOptions(),
    core.ParseOptions(strict=False),
    core.ParseOptions(recover=True),
]
_of_every_kind = pytest.mark.parametrize("kind", _KINDS, ids=lambda kind: kind.__name__[1:])
_in_every_mode = pytest.mark.parametrize("options", _OPTIONS, ids=lambda options: options.mode)


def _feed(parser: Any, tokens: Any) -> Iterator[list[Event]]:
    events: list[Event] = []
    parser.feed(tokens, events)
    yield events


def _feed_halves(parser: Any, tokens: Any) -> Iterator[list[Event]]:
    half = len(tokens) // 2
    yield from _feed(parser, tokens[:half])
    yield from _feed(parser, tokens[half:])


def _feed_in_parts(parser: Any, tokens: Any) -> Iterator[list[Event]]:
    yield from parser.feed_in_parts(tokens)


def _feed_each(parser: Any, tokens: Any) -> Iterator[list[Event]]:
    for token in tokens:
        events: list[Event] = []
        if not parser.feed_text(token):
            parser.feed_one(token, events)
        yield events


def _messages(ways: Iterator[list[Event]], parser: Any) -> list[core.Message]:
    events = [event for part in ways for event in part]
    parser.finish(events)
    return [event.to_message() for event in events if isinstance(event, MessageCompleted)]


@_of_every_kind
@_in_every_mode
def test_a_whole_completion(kind: Callable[[list[int]], Any], options: core.ParseOptions) -> None:
    """A whole completion has the same messages, whatever its tokens are."""
    tokens = tokens_of(_COMPLETION)
    parsed = encoding().parse_messages_from_completion_tokens(
        kind(tokens), core.Role.ASSISTANT, options=options
    )
    assert [(message.channel, message.recipient) for message in parsed] == [
        ("analysis", None),
        ("commentary", "functions.f"),
        ("final", None),
    ]
    assert parsed == encoding().parse_messages_from_completion_tokens(tokens, core.Role.ASSISTANT)
    assert encoding().parse_completions([kind(tokens)], core.Role.ASSISTANT) == [parsed]


@_of_every_kind
@_in_every_mode
@pytest.mark.parametrize("feed", [_feed, _feed_halves, _feed_in_parts, _feed_each])
def test_every_way_to_feed(
    kind: Callable[[list[int]], Any],
    options: core.ParseOptions,
    feed: Callable[[Any, Any], Iterator[list[Event]]],
) -> None:
    """A parser reads the same messages, whatever the tokens are and however they are fed."""
    tokens = tokens_of(_COMPLETION)
    parser = encoding().new_parser(core.Role.ASSISTANT, options)
    expected = encoding().parse_messages_from_completion_tokens(tokens, core.Role.ASSISTANT)
    assert _messages(feed(parser, kind(tokens)), parser) == expected


@_of_every_kind
@_in_every_mode
def test_the_streaming_parser(kind: Callable[[list[int]], Any], options: core.ParseOptions) -> None:
    """The streaming parser reports the same for all tokens, and `tokens` are of type `int`."""
    tokens = tokens_of(_COMPLETION)
    expected = core.StreamableParser(encoding(), core.Role.ASSISTANT, options=options)
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT, options=options)
    for token, scalar in zip(tokens, kind(tokens), strict=True):
        expected.process(token)
        parser.process(scalar)
        assert parser.state is expected.state
        assert parser.last_content_delta == expected.last_content_delta
        assert parser.current_content == expected.current_content
        assert parser.state_data == expected.state_data
    assert parser.process_eos().messages == expected.process_eos().messages
    assert parser.tokens == tokens
    assert set(map(type, parser.tokens)) == {int}


@_of_every_kind
def test_decoding(kind: Callable[[list[int]], Any]) -> None:
    """Every function that decodes takes them, and an error names the number."""
    tokens = tokens_of(_COMPLETION)
    assert encoding().decode(kind(tokens)) == _COMPLETION
    assert encoding().decode_utf8(kind(tokens)) == _COMPLETION
    assert encoding().decode_bytes(kind(tokens)) == _COMPLETION.encode()
    assert [encoding().is_special_token(token) for token in kind([200006, 6])] == [True, False]
    with pytest.raises(core.HarmonyError, match=r"Invalid token for decoding: 201089$"):
        encoding().decode(kind([17, 201089]))


@_of_every_kind
def test_invalid_tokens(kind: Callable[[list[int]], Any]) -> None:
    """Token ids outside the vocabulary are treated alike, in content and outside messages."""
    tokens = [201089, *tokens_of("<|channel|>final<|message|>4<|end|>"), 300000, 17]
    tokens[5:5] = [201090]
    options = core.ParseOptions(recover=True)
    parsed = encoding().parse_events(kind(tokens), core.Role.ASSISTANT, options)
    assert parsed == encoding().parse_events(tokens, core.Role.ASSISTANT, options)


@_of_every_kind
def test_negative_tokens(kind: Callable[[list[int]], Any]) -> None:
    """A negative token is an OverflowError, and a token of its own in recover mode."""
    for text in ("<|channel|>final<|message|>4", "<|channel|>"):
        tokens = [*tokens_of(text), -5]
        with pytest.raises(OverflowError):
            encoding().parse_messages_from_completion_tokens(kind(tokens), core.Role.ASSISTANT)
        parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
        *some, last = kind(tokens)
        for token in some:
            parser.process(token)
        with pytest.raises(OverflowError):
            parser.process(last)
        options = core.ParseOptions(recover=True)
        parsed = encoding().parse_events(kind(tokens), core.Role.ASSISTANT, options)
        assert parsed == encoding().parse_events(tokens, core.Role.ASSISTANT, options)


@_of_every_kind
def test_an_error_holds_the_number(kind: Callable[[list[int]], Any]) -> None:
    """The error of malformed output holds the token as an `int`."""
    for options in _OPTIONS[:2]:
        with pytest.raises(core.ParseError) as caught:
            encoding().parse_events(kind([17]), None, options)
        assert type(caught.value.token) is int
        assert caught.value.token == 17


def test_a_scalar_that_changes_later() -> None:
    """A token is read when it is passed: a buffer may hold the next one afterwards."""
    scalar = Scalar(0)
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    for scalar.value in tokens_of("<|channel|>final<|message|>Two words<|return|>"):
        parser.process(scalar)  # type: ignore[arg-type]
    (message,) = parser.messages
    assert message.content == [core.TextContent(text="Two words")]


@pytest.mark.parametrize("text", ["<|channel|>", "<|channel|>final<|message|>"])
@pytest.mark.parametrize("token", [17.0, "17", None, slice(0, 2)])
def test_other_values(text: str, token: Any) -> None:
    """Anything else is a TypeError, whatever the parser expects, and is not read."""
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    for known in tokens_of(text):
        parser.process(known)
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        parser.process(token)
    assert parser.tokens == tokens_of(text)
    with pytest.raises(TypeError):
        encoding().parse_events([token], core.Role.ASSISTANT, core.ParseOptions())


def test_a_bool() -> None:
    """A bool is the number that it is."""
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    parser.process(True)
    assert [type(token) for token in parser.tokens] == [int]
