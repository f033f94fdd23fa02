"""Deltas with the range of the tokens that their text comes from."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server import core
from harmony_server.core.events import (
    ContentDelta,
    Event,
    MessageCompleted,
    MessageStarted,
    Recovered,
    RecoveryReason,
    TokenRange,
)
from harmony_server.core.tokenizer import VOCABULARY_SIZE
from tests.strategies.outputs import outputs
from tests.strategies.token_streams import streams, well_formed_streams
from tests.support.encodings import encoding, tokens_of

_MODES = [core.ParseOptions(strict=True), core.ParseOptions(strict=False)]
_RECOVER = core.ParseOptions(recover=True)
# The repairs that leave tokens out of content.
_LEAVING_OUT = {
    RecoveryReason.EXTRA_MESSAGE,
    RecoveryReason.MISPLACED_CONTENT_TYPE,
    RecoveryReason.INVALID_TOKEN,
}

tokens_of_any_output = st.one_of(streams(), outputs)


def _parse(
    chunks: list[list[int]], options: core.ParseOptions, *, asks: bool = True
) -> tuple[list[Event], str]:
    """Returns the events, and the error if there is one."""
    parser = encoding().new_parser(core.Role.ASSISTANT, replace(options, delta_offsets=asks))
    events: list[Event] = []
    try:
        for chunk in chunks:
            parser.feed(chunk, events)
        parser.finish(events)
    except core.ParseError as error:
        return events, f"{error} at {error.offset}"
    return events, ""


def _deltas(text: str | list[list[int]], options: core.ParseOptions) -> list[tuple[str, int, int]]:
    chunks = [[token] for token in tokens_of(text)] if isinstance(text, str) else text
    events, error = _parse(chunks, options)
    assert not error
    found = []
    for event in events:
        if isinstance(event, ContentDelta):
            assert event.offsets is not None
            found.append((event.text, *event.offsets))
    return found


def _joined(events: list[Event]) -> list[Event]:
    """Puts neighbouring deltas together; leaves repairs out, which chunks may split."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, ContentDelta) and isinstance(last, ContentDelta):
            assert last.offsets is not None
            assert event.offsets is not None
            assert last.offsets.end == event.offsets.begin
            joined[-1] = ContentDelta(
                last.text + event.text, TokenRange(last.offsets.begin, event.offsets.end)
            )
        elif not isinstance(event, Recovered):
            joined.append(event)
    return joined


def test_the_range_of_each_token() -> None:
    """Token by token, each delta has the range of its token, the stop token of none."""
    assert _deltas("<|channel|>final<|message|>Hello, world!<|return|>", _MODES[0]) == [
        ("Hello", 3, 4),
        (",", 4, 5),
        (" world", 5, 6),
        ("!", 6, 7),
    ]


def test_the_range_of_a_chunk() -> None:
    """A delta of several tokens has the range of all, in each message."""
    text = "<|message|>Hello, world!<|end|><|start|>assistant<|message|>x<|return|>"
    assert _deltas([tokens_of(text)], _MODES[0]) == [("Hello, world!", 1, 5), ("x", 9, 10)]


def test_the_tokens_of_a_split_character_are_in_the_range_of_the_character() -> None:
    """Tokens whose character is incomplete wait for the delta with the character."""
    chunks = [[200008], [87, 4103], [104], [94, 87], [88, 4103], [200007]]
    assert _deltas(chunks, _MODES[0]) == [
        ("x", 1, 2),
        ("\U0001fae1x", 2, 6),
        ("y", 6, 7),
        ("\ufffd", 7, 8),
    ]


def test_words_held_back_have_their_range_when_they_are_released() -> None:
    """In recover mode, a word that may begin a header comes with the token that decides."""
    text = "<|channel|>final 4 to it<|return|>"
    assert _deltas(text, _RECOVER) == [("4", 3, 4), (" to it", 4, 6)]


def test_the_text_of_a_header_has_the_range_of_its_tokens() -> None:
    """In recover mode, text found in a header begins where the header ends."""
    assert _deltas("<|channel|>Yes.<|return|>", _RECOVER) == [("Yes.", 1, 3)]


def test_tokens_left_out_are_in_the_range_of_the_next_delta() -> None:
    """In recover mode, a token that is skipped belongs to the text behind it, if there is any."""
    text = "<|message|>x<|message|>y<|message|><|end|>"
    assert _deltas(text, _RECOVER) == [("x", 1, 2), ("y", 2, 4)]
    assert _deltas([tokens_of(text)], _RECOVER) == [("xy", 1, 4)]


def test_the_text_of_a_stopped_header_has_an_empty_range() -> None:
    """In lenient mode, the tokens of text in a header are those of the header."""
    assert _deltas("<|channel|>final Hello<|end|>", _MODES[1]) == [("Hello", 3, 3)]


@given(tokens=tokens_of_any_output, options=st.sampled_from([*_MODES, _RECOVER]))
def test_ranges_are_not_given_unless_asked_for(
    tokens: list[int], options: core.ParseOptions
) -> None:
    """Without the option deltas have no range; all else is the same."""
    chunks = [[token] for token in tokens]
    asked, error = _parse(chunks, options)
    plain, same_error = _parse(chunks, options, asks=False)
    without = [ContentDelta(it.text) if isinstance(it, ContentDelta) else it for it in asked]
    assert (without, error) == (plain, same_error)


@given(tokens=tokens_of_any_output, options=st.sampled_from([*_MODES, _RECOVER]), data=st.data())
def test_ranges_divide_the_content(
    tokens: list[int], options: core.ParseOptions, data: st.DataObject
) -> None:
    """The deltas of a message divide its content, but for tokens left out at its end."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
    chunks = [tokens[a:b] for a, b in itertools.pairwise([0, *cuts, len(tokens)])]
    for pieces in ([tokens], chunks, [[token] for token in tokens]):
        ranges: list[TokenRange] = []
        left_out: set[int] = set()
        for event in _parse(pieces, options)[0]:
            match event:
                case MessageStarted():
                    ranges = []
                case ContentDelta(offsets=offsets):
                    assert offsets is not None
                    ranges.append(offsets)
                case Recovered(reason=reason, offsets=offsets) if reason in _LEAVING_OUT:
                    left_out.update(range(*offsets))
                case MessageCompleted(content_range=content):
                    _check_division(content, ranges, left_out)


def _check_division(content: TokenRange, ranges: list[TokenRange], left_out: set[int]) -> None:
    end = content.begin
    for each in ranges:
        assert each.begin == end <= each.end
        end = each.end
    assert end <= content.end
    assert left_out.issuperset(range(end, content.end))


@given(tokens=tokens_of_any_output, options=st.sampled_from([*_MODES, _RECOVER]), data=st.data())
def test_cuts_change_no_range(
    tokens: list[int], options: core.ParseOptions, data: st.DataObject
) -> None:
    """However the tokens arrive, neighbouring deltas together have the same text and range."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
    chunks = [tokens[a:b] for a, b in itertools.pairwise([0, *cuts, len(tokens)])]
    whole, error = _parse([tokens], options)
    for pieces in (chunks, [[token] for token in tokens]):
        events, same_error = _parse(pieces, options)
        assert (_joined(events), same_error) == (_joined(whole), error)


@given(tokens=well_formed_streams())
def test_a_delta_is_the_text_of_its_tokens(tokens: list[int]) -> None:
    """In strict mode, the tokens of a range decode to the delta where characters are whole."""
    events, _ = _parse([tokens], _MODES[0])
    for event in events:
        if isinstance(event, ContentDelta):
            assert event.offsets is not None
            data = encoding().decode_bytes(
                [token for token in tokens[slice(*event.offsets)] if token < VOCABULARY_SIZE]
            )
            assert event.text == data.decode(errors="replace")


@pytest.mark.parametrize("options", [*_MODES, _RECOVER])
def test_a_chunk_ends_between_the_tokens_of_a_character(options: core.ParseOptions) -> None:
    """The range of a delta ends before the tokens of the incomplete character behind it."""
    salute = tokens_of("\U0001fae1")
    assert len(salute) == 3
    chunks = [[200008, 87, *salute[:2]], [salute[2]], [200007]]
    assert _deltas(chunks, options) == [("x", 1, 2), ("\U0001fae1", 2, 5)]
