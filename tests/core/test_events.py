"""The event API: tokens in, in chunks of any size; events out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server import core
from harmony_server.core.events import (
    ContentDelta,
    Event,
    Header,
    MessageCompleted,
    MessageStarted,
    TokenRange,
)
from harmony_server.core.parser import MessageParser
from tests.strategies.token_streams import chunked_streams, well_formed_streams
from tests.support.encodings import encoding, tokens_of

_ASSISTANT = core.Role.ASSISTANT


def _parser(role: core.Role | None = _ASSISTANT, *, strict: bool = True) -> MessageParser:
    return encoding().new_parser(role, core.ParseOptions(strict=strict))


def _fed(parser: MessageParser, tokens: list[int]) -> list[Event]:
    events: list[Event] = []
    parser.feed(tokens, events)
    return events


def _finished(parser: MessageParser) -> list[Event]:
    events: list[Event] = []
    parser.finish(events)
    return events


def _run(
    chunks: list[list[int]], role: core.Role | None, *, strict: bool
) -> tuple[list[list[Event]], tuple[object, ...] | None]:
    """Returns the events of each chunk and of the end, and the error if there was one."""
    parser = _parser(role, strict=strict)
    steps: list[list[Event]] = []
    try:
        for chunk in chunks:
            steps.append([])
            parser.feed(chunk, steps[-1])
        steps.append([])
        parser.finish(steps[-1])
    except core.ParseError as error:
        return steps, (str(error), error.token, error.offset, error.state)
    return steps, None


def _with_deltas_joined(steps: list[list[Event]]) -> list[Event]:
    joined: list[Event] = []
    for event in (event for step in steps for event in step):
        last = joined[-1] if joined else None
        if isinstance(event, ContentDelta) and isinstance(last, ContentDelta):
            joined[-1] = ContentDelta(last.text + event.text)
        else:
            joined.append(event)
    return joined


# Chunking


@given(
    chunks=chunked_streams(),
    role=st.sampled_from([None, _ASSISTANT, core.Role.TOOL]),
    strict=st.booleans(),
)
def test_chunk_boundaries_change_nothing(
    chunks: list[list[int]], role: core.Role | None, strict: bool
) -> None:
    """Chunk boundaries change neither messages, text and offsets nor the error."""
    steps, error = _run(chunks, role, strict=strict)
    whole = [token for chunk in chunks for token in chunk]
    whole_steps, whole_error = _run([whole], role, strict=strict)
    assert error == whole_error
    assert _with_deltas_joined(steps) == _with_deltas_joined(whole_steps)


@given(chunks=chunked_streams(), strict=st.booleans())
def test_deltas_are_the_text(chunks: list[list[int]], strict: bool) -> None:
    """The deltas of a message add up to its text, and none is empty."""
    steps, _ = _run(chunks, _ASSISTANT, strict=strict)
    text = ""
    for event in (event for step in steps for event in step):
        if isinstance(event, MessageStarted):
            text = ""
        elif isinstance(event, ContentDelta):
            assert event.text
            text += event.text
        elif isinstance(event, MessageCompleted):
            assert text == event.text


@given(chunks=chunked_streams(), strict=st.booleans())
def test_a_chunk_adds_one_delta_to_a_message(chunks: list[list[int]], strict: bool) -> None:
    """One chunk adds at most one delta to a message."""
    steps, _ = _run(chunks, _ASSISTANT, strict=strict)
    for step in steps:
        kinds = [type(event) for event in step]
        assert all(pair != (ContentDelta, ContentDelta) for pair in itertools.pairwise(kinds))


@given(tokens=well_formed_streams())
def test_ranges_match_the_tokens(tokens: list[int]) -> None:
    """`<|message|>` comes directly before the content range, the stop token directly after it."""
    steps, error = _run([tokens], _ASSISTANT, strict=True)
    events = [event for step in steps for event in step]
    completed = [event for event in events if isinstance(event, MessageCompleted)]
    assert error is None
    assert completed
    for event in completed:
        assert tokens[event.header_range.end] == 200008
        assert event.content_range.begin == event.header_range.end + 1
        after = tokens[event.content_range.end :][:1]
        assert after == ([] if event.stop_token is None else [event.stop_token])


# Literal events


def test_the_events_of_a_completion() -> None:
    """Each message has a start, a delta and a completion; offsets count from the first token."""
    text = "<|channel|>analysis<|message|>Hello, world!<|end|>"
    text += "<|start|>assistant<|channel|>final<|message|>x<|return|>"
    analysis = Header(_ASSISTANT, channel="analysis")
    final = Header(_ASSISTANT, channel="final")
    parser = _parser()
    assert _fed(parser, tokens_of(text)) == [
        MessageStarted(analysis),
        ContentDelta("Hello, world!"),
        MessageCompleted(analysis, "Hello, world!", 200007, TokenRange(0, 2), TokenRange(3, 7)),
        MessageStarted(final),
        ContentDelta("x"),
        MessageCompleted(final, "x", 200002, TokenRange(9, 12), TokenRange(13, 14)),
    ]
    assert _finished(parser) == []


def test_offsets_without_a_preset_role() -> None:
    """A header range begins with the first token after `<|start|>`."""
    header = Header(core.Role.USER)
    assert _fed(_parser(None), tokens_of("<|start|>user<|message|>x<|end|>"))[-1] == (
        MessageCompleted(header, "x", 200007, TokenRange(1, 2), TokenRange(3, 4))
    )


def test_a_header_makes_no_event_until_it_is_complete() -> None:
    """The tokens of a header cause no event before `<|message|>`."""
    parser = _parser()
    assert _fed(parser, tokens_of("<|channel|>fin")) == []
    assert _fed(parser, tokens_of("al")) == []
    assert _fed(parser, [200008]) == [MessageStarted(Header(_ASSISTANT, channel="final"))]


def test_no_tokens_no_events() -> None:
    """An empty chunk causes no event in any state."""
    parser = _parser()
    for tokens in ([], [200008], [], [87], [], [200007], []):
        events = _fed(parser, tokens)
        assert bool(events) is bool(tokens)


def test_a_character_is_reported_when_it_is_whole() -> None:
    """A character split over tokens is reported with the token that completes it."""
    parser = _parser()
    _fed(parser, [200008])
    assert _fed(parser, [87, 4103]) == [ContentDelta("x")]
    assert _fed(parser, [104]) == []
    assert _fed(parser, [94, 87]) == [ContentDelta("🫡x")]


@pytest.mark.parametrize("stop", [200002, 200007, 200012])
def test_a_stop_token_flushes_an_incomplete_character(stop: int) -> None:
    """A stop token turns an incomplete character into U+FFFD, in a delta and in the text."""
    parser = _parser()
    header = Header(_ASSISTANT)
    _fed(parser, [200008, 87, 4103])
    assert _fed(parser, [stop]) == [
        ContentDelta("\ufffd"),
        MessageCompleted(header, "x\ufffd", stop, TokenRange(0, 0), TokenRange(1, 3)),
    ]


def test_the_end_of_the_stream_flushes_an_incomplete_character() -> None:
    """The end of the stream completes a message without a stop token."""
    parser = _parser()
    header = Header(_ASSISTANT)
    _fed(parser, [200008, 87, 4103])
    assert _finished(parser) == [
        ContentDelta("\ufffd"),
        MessageCompleted(header, "x\ufffd", None, TokenRange(0, 0), TokenRange(1, 3)),
    ]


def test_a_stop_token_in_a_header_in_lenient_mode() -> None:
    """In lenient mode, a stop token that ends a header starts and completes the message."""
    header = Header(_ASSISTANT, channel="final")
    tokens = tokens_of("<|channel|>final Hello<|end|>")
    assert _fed(_parser(strict=False), tokens) == [
        MessageStarted(header),
        ContentDelta("Hello"),
        MessageCompleted(header, "Hello", 200007, TokenRange(0, 3), TokenRange(3, 3)),
    ]


def test_an_error_comes_after_the_events_before_it() -> None:
    """The events before an error are reported before it is raised."""
    events: list[Event] = []
    with pytest.raises(core.ParseError) as caught:
        _parser().feed(tokens_of("<|message|>x<|end|>y"), events)
    assert [type(event) for event in events] == [MessageStarted, ContentDelta, MessageCompleted]
    assert (caught.value.token, caught.value.offset) == (88, 3)
    assert caught.value.state == "ExpectStart"


def test_the_text_before_an_error_in_the_same_chunk_is_reported() -> None:
    """Text that precedes an error in the same chunk is reported as a delta."""
    parser = _parser()
    _fed(parser, [200008])
    events: list[Event] = []
    with pytest.raises(core.ParseError):
        parser.feed([87, 200007, 87], events)
    assert [type(event) for event in events] == [ContentDelta, MessageCompleted]


def test_ids_that_do_not_fit_into_32_bits_change_nothing() -> None:
    """A chunk with an id that is negative or too large is refused as a whole."""
    parser = _parser()
    events: list[Event] = []
    with pytest.raises(OverflowError):
        parser.feed([200008, -1], events)
    assert events == []
    assert _fed(parser, [200008]) == [MessageStarted(Header(_ASSISTANT))]
