"""Fast paths for tokens that only add text: one token, several, and many sequences in lock step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server import core
from harmony_server.core.events import ContentDelta, Event, TokenRange
from harmony_server.core.lock_step import LockStep
from harmony_server.core.parser import MessageParser
from tests.strategies.token_streams import streams
from tests.support.encodings import encoding, tokens_of

_MODES = [
    core.ParseOptions(strict=True),
    core.ParseOptions(strict=False),
    core.ParseOptions(strict=False, recover=True),
    core.ParseOptions(delta_offsets=True),
    core.ParseOptions(recover=True, delta_offsets=True),
]


def _parser(options: core.ParseOptions = _MODES[0]) -> MessageParser:
    return encoding().new_parser(core.Role.ASSISTANT, options)


def _in_content(text: str) -> MessageParser:
    parser = _parser()
    parser.feed(tokens_of(f"<|channel|>final<|message|>{text}"), [])
    return parser


def _finish(parser: MessageParser, events: list[Event]) -> str:
    """Ends a sequence and returns its error, or an empty string."""
    try:
        parser.finish(events)
    except core.ParseError as error:
        return f"{error} at {error.offset}"
    return ""


def _parse_one_by_one(tokens: list[int], options: core.ParseOptions) -> tuple[list[Event], str]:
    parser = _parser(options)
    events: list[Event] = []
    try:
        for token in tokens:
            parser.feed_one(token, events)
    except core.ParseError as error:
        return events, f"{error} at {error.offset}"
    return events, _finish(parser, events)


def _parse_texts_first(tokens: list[int], options: core.ParseOptions) -> tuple[list[Event], str]:
    parser = _parser(options)
    events: list[Event] = []
    try:
        for token in tokens:
            if text := parser.feed_text(token):
                offsets = TokenRange(parser.offset - 1, parser.offset)
                events.append(ContentDelta(text, offsets if options.delta_offsets else None))
            else:
                parser.feed_one(token, events)
    except core.ParseError as error:
        return events, f"{error} at {error.offset}"
    return events, _finish(parser, events)


def _parse_in_lock_step(
    sequences: list[list[int]], options: core.ParseOptions
) -> list[tuple[list[Event], str]]:
    """Parses sequences in lock step until each has ended or failed."""
    parsers: dict[int, MessageParser] = {index: _parser(options) for index in range(len(sequences))}
    events: list[list[Event]] = [[] for _ in sequences]
    errors = [""] * len(sequences)
    step = 0
    while parsers:
        ids = [index for index in parsers if step < len(sequences[index])]
        for index in parsers.keys() - ids:
            errors[index] = _finish(parsers.pop(index), events[index])
        together = LockStep(ids, list(parsers.values()))
        # A LockStep is good for the same sequences until one of them ends or fails.
        while ids and ids == list(parsers) and all(step < len(sequences[index]) for index in ids):
            tokens = [sequences[index][step] for index in ids]
            texts = together.step(tokens)
            ranges = list(map(TokenRange, *together.token_ranges()))
            for place, text in enumerate(texts):
                index = ids[place]
                if text:
                    offsets = ranges[place] if together.reports_offsets else None
                    events[index].append(ContentDelta(text, offsets))
                    continue
                together.before_reading(place)
                try:
                    parsers[index].feed_one(tokens[place], events[index])
                except core.ParseError as error:
                    errors[index] = f"{error} at {error.offset}"
                    del parsers[index]
                together.after_reading(place)
            step += 1
        together.settle()
    return list(zip(events, errors, strict=True))


def test_feed_text_reads_plain_text() -> None:
    """`feed_text` appends the token's text, advances the offset and returns the text."""
    parser = _in_content("Hello")
    offset = parser.offset
    assert parser.feed_text(87) == "x"
    assert (parser.content.getvalue(), parser.offset) == ("Hellox", offset + 1)


@pytest.mark.parametrize("token", [200007, 200002, 4103, 201089, 2**32 - 1, 2**32, -1, -200_000])
def test_feed_text_ignores_other_tokens(token: int) -> None:
    """`feed_text` ignores stop tokens, partial characters and ids outside the vocabulary."""
    parser = _in_content("Hello")
    offset = parser.offset
    assert parser.feed_text(token) == ""
    assert (parser.content.getvalue(), parser.offset) == ("Hello", offset)


def test_feed_text_ignores_text_outside_content() -> None:
    """`feed_text` ignores tokens outside content and after a partial character."""
    between, after_half = _in_content("x<|end|>"), _in_content("x")
    after_half.feed([4103], [])
    for parser in (_parser(), between, after_half):
        offset = parser.offset
        assert parser.feed_text(87) == ""
        assert parser.offset == offset


def test_add_plain_reads_several_tokens() -> None:
    """`add_plain` appends the texts of tokens and counts the tokens."""
    parser = _in_content("Hello")
    offset = parser.offset
    parser.add_plain([",", " world", "!"])
    parser.add_plain([])
    assert (parser.content.getvalue(), parser.offset) == ("Hello, world!", offset + 3)


@given(tokens=streams(), options=st.sampled_from(_MODES))
def test_feed_text_changes_no_event(tokens: list[int], options: core.ParseOptions) -> None:
    """Trying `feed_text` first gives the events and errors of `feed_one`."""
    assert _parse_texts_first(tokens, options) == _parse_one_by_one(tokens, options)


@given(sequences=st.lists(streams(), max_size=4), options=st.sampled_from(_MODES))
def test_lock_step_changes_no_event(sequences: list[list[int]], options: core.ParseOptions) -> None:
    """In lock step, each sequence gives the events and errors that it gives alone."""
    alone = [_parse_one_by_one(tokens, options) for tokens in sequences]
    assert _parse_in_lock_step(sequences, options) == alone


def test_lock_step_gives_the_ranges_of_parsers_that_report_offsets() -> None:
    """A parser that reports no offsets, or none at all, has the range (0, 0)."""
    asking = _parser(core.ParseOptions(delta_offsets=True))
    asking.feed(tokens_of("<|channel|>final<|message|>"), [])
    together = LockStep([1, 2, 3], [_in_content("Hello"), asking, None])
    assert together.reports_offsets
    for offset in (3, 4):
        together.step([87, 87, 87])
        assert together.token_ranges() == ([0, offset, 0], [0, offset + 1, 0])
    assert not LockStep([1, 3], [_in_content(""), None]).reports_offsets


def test_lock_step_takes_sequences_without_a_parser() -> None:
    """A sequence without a parser adds no text and does not affect the others."""
    parser = _in_content("")
    together = LockStep([7, 8], [None, parser])
    assert together.step([87, 87]) == ["", "x"]
    assert together.step([87, 2**32 - 1]) == ["", ""]
    together.before_reading(0)
    together.after_reading(0)
    together.before_reading(1)
    parser.feed_one(2**32 - 1, [])
    together.after_reading(1)
    assert together.step([87, 87]) == ["", "x"]
    together.settle()
    assert (parser.content.getvalue(), parser.offset) == ("x\ufffdx", 6)


def test_streamable_tokens_are_a_copy() -> None:
    """Changing the list that `tokens` returns does not change the parser."""
    parser = core.StreamableParser(encoding(), core.Role.ASSISTANT)
    for token in tokens_of("<|channel|>final<|message|>Hello"):
        parser.process(token)
    parser.tokens.clear()
    assert parser.current_content == "Hello"
    assert parser.tokens == tokens_of("<|channel|>final<|message|>Hello")
