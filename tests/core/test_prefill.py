"""Parses that begin with a prefill, the last tokens of the prompt."""

import itertools
from dataclasses import replace
from typing import NamedTuple

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
    Recovered,
    RecoveryReason,
    TokenRange,
)
from harmony_server.core.parser import MessageParser, StreamState
from tests.strategies.outputs import outputs
from tests.strategies.token_streams import streams, well_formed_streams
from tests.support.encodings import encoding, tokens_of

_ASSISTANT = core.Role.ASSISTANT
_FINAL = Header(_ASSISTANT, channel="final")
_STRICT = core.ParseOptions()
_LENIENT = core.ParseOptions(strict=False)
_RECOVER = core.ParseOptions(recover=True)
_MODES = [
    _STRICT,
    _LENIENT,
    _RECOVER,
    replace(_STRICT, delta_offsets=True),
    replace(_RECOVER, delta_offsets=True),
    replace(_RECOVER, max_header_tokens=3),
]

modes = st.sampled_from(_MODES)
roles = st.sampled_from([None, _ASSISTANT, core.Role.TOOL])
conversations = st.one_of(well_formed_streams(), streams(), outputs)


class _Outcome(NamedTuple):
    events: list[Event]
    error: tuple[object, ...] | None = None


def _error_of(error: core.ParseError, offset: int) -> tuple[object, ...]:
    return str(error), error.token, offset, error.state, error.cut_off


def _parse(
    prefill: list[int],
    chunks: list[list[int]],
    role: core.Role | None = _ASSISTANT,
    options: core.ParseOptions = _STRICT,
) -> _Outcome:
    """Parses chunks behind a prefill."""
    parser = encoding().new_parser(role, options, prefill)
    events: list[Event] = []
    try:
        for chunk in chunks:
            parser.feed(chunk, events)
        parser.finish(events)
    except core.ParseError as error:
        return _Outcome(events, _error_of(error, error.offset))
    return _Outcome(events)


def _parse_all(
    prefill: list[int], sampled: list[int], role: core.Role | None, options: core.ParseOptions
) -> _Outcome | int:
    """Returns what a parse of all tokens reports behind the prefill, or where it fails inside it.

    Ranges are moved and begin at 0. The message that is open at the end of the prefill has only the
    text and the repairs that are reported behind it.
    """
    parser = encoding().new_parser(role, options)
    before: list[Event] = []
    for offset, token in enumerate(prefill):
        try:
            parser.feed([token], before)
        except core.ParseError:
            return offset
    behind: list[Event] = []
    is_open, header = parser.state is StreamState.CONTENT, parser.header
    error = None
    try:
        for token in sampled:
            parser.feed([token], behind)
        parser.finish(behind)
    except core.ParseError as failure:
        error = _error_of(failure, failure.offset - len(prefill))
    ended = [index for index, event in enumerate(before) if isinstance(event, MessageCompleted)]
    moved = [_moved(event, len(prefill), len(ended)) for event in behind]
    if is_open:
        reported = "".join(
            event.text
            for event in before[max(ended, default=-1) + 1 :]
            if isinstance(event, ContentDelta)
        )
        repairs = [it.reason for it in moved if isinstance(it, Recovered) and it.message_index == 0]
        for index, event in enumerate(moved):
            if isinstance(event, MessageCompleted):
                assert event.text.startswith(reported)
                text = event.text.removeprefix(reported)
                moved[index] = replace(event, text=text, repairs=tuple(dict.fromkeys(repairs)))
                break
        moved.insert(0, MessageStarted(header))
    return _Outcome(moved, error)


def _moved(event: Event, size: int, messages: int) -> Event:
    """Returns an event with the offsets and the message index that it has behind a prefill."""

    def move(tokens: TokenRange) -> TokenRange:
        return TokenRange(max(tokens.begin - size, 0), max(tokens.end - size, 0))

    match event:
        case MessageCompleted():
            header, content = move(event.header_range), move(event.content_range)
            return replace(event, header_range=header, content_range=content)
        case ContentDelta(offsets=TokenRange() as offsets):
            return replace(event, offsets=move(offsets))
        case Recovered(message_index=index, offsets=offsets):
            index = None if index is None else index - messages
            return replace(event, offsets=move(offsets), message_index=index)
    return event


def _joined(outcome: _Outcome) -> _Outcome:
    """Puts neighbouring deltas together, and neighbouring repairs that are one run."""
    joined: list[Event] = []
    for event in outcome.events:
        last = joined[-1] if joined else None
        if isinstance(event, ContentDelta) and isinstance(last, ContentDelta):
            joined[-1] = ContentDelta(last.text + event.text, _union(last.offsets, event.offsets))
        elif (
            isinstance(event, Recovered)
            and isinstance(last, Recovered)
            and (last.reason, last.message_index) == (event.reason, event.message_index)
            and last.offsets.end == event.offsets.begin
            and not last.raw_header + event.raw_header
        ):
            offsets = TokenRange(last.offsets.begin, event.offsets.end)
            joined[-1] = replace(last, text=last.text + event.text, offsets=offsets)
        else:
            joined.append(event)
    return _Outcome(joined, outcome.error)


def _union(first: TokenRange | None, second: TokenRange | None) -> TokenRange | None:
    if first is None or second is None:
        return None
    assert first.end == second.begin
    return TokenRange(first.begin, second.end)


def _without_deltas(outcome: _Outcome) -> _Outcome:
    """Leaves out deltas, because chunks change their place among the repairs in content."""
    events: list[Event] = [it for it in outcome.events if not isinstance(it, ContentDelta)]
    return _joined(_Outcome(events, outcome.error))


def _check_split(
    tokens: list[int],
    split: int,
    role: core.Role | None,
    options: core.ParseOptions,
    cuts: list[int],
) -> None:
    """Checks that a parse with the first tokens as prefill reports what a parse of all does."""
    prefill, sampled = tokens[:split], tokens[split:]
    expected = _parse_all(prefill, sampled, role, options)
    if isinstance(expected, int):
        with pytest.raises(core.PrefillError) as caught:
            encoding().new_parser(role, options, prefill)
        assert (caught.value.offset, caught.value.token) == (expected, tokens[expected])
        return
    one_by_one = [[token] for token in sampled]
    # Repairs that both begin in the prefill may become neighbours.
    assert _joined(_parse(prefill, one_by_one, role, options)) == _joined(expected)
    edges = [0, *sorted(cut % (len(sampled) + 1) for cut in cuts), len(sampled)]
    chunks = [sampled[begin:end] for begin, end in itertools.pairwise(edges)]
    for pieces in ([sampled], chunks):
        outcome = _parse(prefill, pieces, role, options)
        assert _without_deltas(outcome) == _without_deltas(expected)
        assert _texts(outcome) == _texts(expected)


def _texts(outcome: _Outcome) -> list[Event]:
    """Returns all events but repairs, with neighbouring deltas together."""
    events: list[Event] = [it for it in outcome.events if not isinstance(it, Recovered)]
    return _joined(_Outcome(events)).events


cuts = st.lists(st.integers(0, 100), max_size=5)


@given(conversations, st.integers(0, 100), roles, modes, cuts)
def test_a_prefill_changes_only_what_is_reported(
    tokens: list[int],
    split: int,
    role: core.Role | None,
    options: core.ParseOptions,
    cuts: list[int],
) -> None:
    """Behind a prefill, a parse reports what a parse of prefill and tokens reports there."""
    _check_split(tokens, split % (len(tokens) + 1), role, options, cuts)


@given(well_formed_streams(), modes)
def test_a_prefill_may_end_anywhere(tokens: list[int], options: core.ParseOptions) -> None:
    """A well-formed completion may be split behind each of its tokens."""
    for split in range(len(tokens) + 1):
        _check_split(tokens, split, _ASSISTANT, options, [1, 3])


@given(conversations, st.integers(0, 100), modes)
def test_the_streamable_parser_takes_a_prefill(
    tokens: list[int], split: int, options: core.ParseOptions
) -> None:
    """Its state is the one behind the prefill; its messages are those of the event API."""
    split %= len(tokens) + 1
    prefill, sampled = tokens[:split], tokens[split:]
    try:
        parser = core.StreamableParser(encoding(), _ASSISTANT, options=options, prefill=prefill)
    except core.PrefillError:
        return
    expected = _parse(prefill, [[token] for token in sampled], _ASSISTANT, options)
    before = encoding().new_parser(_ASSISTANT, options)
    before.feed(prefill, [])
    assert parser.state is before.state
    text = ""
    try:
        for token in sampled:
            parser.process(token)
            if parser.state is StreamState.CONTENT:
                text = parser.current_content
                deltas = parser.state_data["content_tokens"]
                assert encoding().decode(deltas) == text
        parser.process_eos()
    except core.HarmonyError:
        assert expected.error is not None
    completed = [it.to_message() for it in expected.events if isinstance(it, MessageCompleted)]
    assert parser.messages == completed
    assert parser.tokens == sampled[: len(parser.tokens)]


# Literal examples


def _fed(parser: MessageParser, text: str) -> list[Event]:
    events: list[Event] = []
    parser.feed(tokens_of(text), events)
    return events


def _opened(prefill: str, options: core.ParseOptions = _STRICT) -> MessageParser:
    return encoding().new_parser(_ASSISTANT, options, tokens_of(prefill))


@pytest.mark.parametrize("options", [_STRICT, _LENIENT, _RECOVER])
def test_a_message_that_the_prefill_opens(options: core.ParseOptions) -> None:
    """It starts with the first token; its header has no tokens, its content begins at 0."""
    parser = _opened("<|channel|>final<|message|>The answer is", options)
    assert _fed(parser, "") == []
    assert _fed(parser, " 4") == [MessageStarted(_FINAL), ContentDelta(" 4")]
    assert _fed(parser, ".<|return|>") == [
        ContentDelta("."),
        MessageCompleted(_FINAL, " 4.", 200002, TokenRange(0, 0), TokenRange(0, 3)),
    ]


@pytest.mark.parametrize("options", [_STRICT, _LENIENT, _RECOVER])
@pytest.mark.parametrize("stop", ["<|return|>", ""])
def test_a_prefilled_message_may_end_at_once(options: core.ParseOptions, stop: str) -> None:
    """A stop token, or the end of the stream, starts and completes the message."""
    sampled = tokens_of(stop)
    stop_token = sampled[0] if sampled else None
    expected: list[Event] = [
        MessageStarted(_FINAL),
        MessageCompleted(_FINAL, "", stop_token, TokenRange(0, 0), TokenRange(0, 0)),
    ]
    prefill = tokens_of("<|channel|>final<|message|>")
    assert _parse(prefill, [sampled], options=options).events == expected
    parser = encoding().new_parser(_ASSISTANT, options, prefill)
    events: list[Event] = []
    for token in sampled:
        parser.feed_one(token, events)
    parser.finish(events)
    assert events == expected


@pytest.mark.parametrize("options", [_STRICT, _LENIENT, _RECOVER])
def test_a_header_that_goes_on_behind_the_prefill(options: core.ParseOptions) -> None:
    """The header is read as a whole; its range has the tokens behind the prefill."""
    parser = _opened("<|channel|>commentary to=functions", options)
    header = Header(_ASSISTANT, None, "functions.get_time", "commentary", "<|constrain|>json")
    events = _fed(parser, ".get_time <|constrain|>json<|message|>{}<|call|>")
    assert events == [
        MessageStarted(header),
        ContentDelta("{}"),
        MessageCompleted(header, "{}", 200012, TokenRange(0, 5), TokenRange(6, 7)),
    ]


def test_messages_that_end_in_the_prefill_are_not_reported() -> None:
    """Only what follows them is, and message indices count from it."""
    prefill = "<|channel|>analysis<|message|>4?<|end|><|start|>assistant<|channel|>final<|message|>"
    parser = _opened(prefill, _RECOVER)
    assert _fed(parser, "<|message|>4") == [
        MessageStarted(_FINAL),
        Recovered(RecoveryReason.EXTRA_MESSAGE, "", TokenRange(0, 1), "", 0),
        ContentDelta("4"),
    ]


def test_a_prefill_may_begin_with_a_start_token() -> None:
    """Without a role, the prefill brings the whole header."""
    prefill = tokens_of("<|start|>assistant<|channel|>final<|message|>")
    (message,) = encoding().parse_messages_from_completion_tokens(
        tokens_of("4<|return|>"), prefill=prefill
    )
    assert (message.author.role, message.channel) == (_ASSISTANT, "final")
    parsed = encoding().parse_completions([tokens_of("4<|return|>")] * 2, prefill=iter(prefill))
    assert parsed == [[message]] * 2


def test_a_character_that_begins_in_the_prefill() -> None:
    """It is text of the token that completes it."""
    *begin, last = tokens_of("\U0001fae1")
    prefill = [200008, 87, *begin]
    outcome = _parse(prefill, [[last], [200007]], options=replace(_STRICT, delta_offsets=True))
    assert outcome.events[1] == ContentDelta("\U0001fae1", TokenRange(0, 1))


def test_repairs_in_a_prefill_are_not_reported() -> None:
    """Neither as events nor as reasons in the message; repairs behind it are."""
    parser = _opened("<|start|><|channel|>commentary<|channel|>final<|message|>", _RECOVER)
    *_, completed = _fed(parser, "4<|message|><|return|>")
    assert isinstance(completed, MessageCompleted)
    assert completed.header.channel == "final"
    assert completed.repairs == (RecoveryReason.EXTRA_MESSAGE,)


def test_a_repair_that_begins_in_the_prefill_is_reported_from_0() -> None:
    """A header that needs repairs and ends behind the prefill is reported with all of its text."""
    parser = _opened("<|channel|>analysis", _RECOVER)
    assert _fed(parser, "<|channel|>final<|message|>")[0] == Recovered(
        RecoveryReason.REPEATED_CHANNEL,
        "analysis",
        TokenRange(0, 2),
        "<|channel|>analysis<|channel|>final",
        0,
    )


def test_text_in_a_prefilled_header_is_reported_once_it_is_text() -> None:
    """Words that only later tokens show to be no header are part of the message."""
    parser = _opened("Sure", replace(_RECOVER, delta_offsets=True))
    *_, delta, completed = _fed(parser, ", 4<|return|>")
    assert delta == ContentDelta("Sure, 4", TokenRange(0, 3))
    assert isinstance(completed, MessageCompleted)
    assert completed.content_range == TokenRange(0, 3)


def test_a_tool_called_in_the_prefill_is_known() -> None:
    """In recover mode, the result of a tool is recognised behind its call in the prefill."""
    call = "<|channel|>commentary to=lookup<|message|>{}<|call|>"
    sampled = tokens_of("<|start|>lookup<|channel|>commentary<|message|>4<|end|>")
    events = _parse(tokens_of(call), [sampled], options=_RECOVER).events
    header = Header(core.Role.TOOL, "lookup", None, "commentary")
    assert [it for it in events if isinstance(it, MessageStarted)] == [MessageStarted(header)]


def test_offsets_of_an_error_count_behind_the_prefill() -> None:
    """The error of a token behind the prefill has the offset of that token."""
    with pytest.raises(core.ParseError) as caught:
        _fed(_opened("<|channel|>final<|message|>x"), "<|return|>y")
    assert (caught.value.offset, caught.value.state) == (1, "ExpectStart")


@pytest.mark.parametrize(
    ("prefill", "options", "offset", "state"),
    [
        ("<|channel|>final<|message|>x<|end|>oops", _STRICT, 5, "ExpectStart"),
        ("<|channel|><|message|>x", _LENIENT, 1, "Header"),
        ("a b c d<|message|>", replace(_STRICT, max_header_tokens=3), 3, "Header"),
    ],
)
def test_a_malformed_prefill(
    prefill: str, options: core.ParseOptions, offset: int, state: str
) -> None:
    """A prefill that the mode refuses is a PrefillError, which says where."""
    tokens = tokens_of(prefill)
    with pytest.raises(core.PrefillError, match=r"^malformed prefill: ") as caught:
        encoding().new_parser(_ASSISTANT, options, tokens)
    error = caught.value
    assert (error.offset, error.token, error.state) == (offset, tokens[offset], state)
    with pytest.raises(core.PrefillError):
        core.StreamableParser(encoding(), _ASSISTANT, options=options, prefill=tokens)


def test_tokens_of_a_prefill_are_bounded() -> None:
    """Strict mode refuses ids that do not fit into 32 bits; recover mode takes any."""
    with pytest.raises(OverflowError):
        encoding().new_parser(_ASSISTANT, _STRICT, [200008, -1])
    events = _parse([200008, -1], [[87]], options=_RECOVER).events
    assert events[:2] == [MessageStarted(Header(_ASSISTANT)), ContentDelta("x")]


# The end of the stream


@pytest.mark.parametrize("options", [_STRICT, _LENIENT])
@pytest.mark.parametrize(
    ("prefill", "sampled"),
    [
        ("", ""),
        ("", "<|channel|>fin"),
        ("", "<|channel|>final<|message|>x<|end|><|start|>"),
        ("<|channel|>commentary to=", ""),
        ("<|channel|>commentary to=", "functions"),
    ],
)
def test_a_header_cut_off(prefill: str, sampled: str, options: core.ParseOptions) -> None:
    """An error says that the stream ends inside a header."""
    outcome = _parse(tokens_of(prefill), [tokens_of(sampled)], options=options)
    assert outcome.error is not None
    *_, token, offset, state, cut_off = outcome.error
    assert (token, offset, state) == (None, len(tokens_of(sampled)), "Header")
    assert cut_off


@pytest.mark.parametrize("stop", ["<|return|>", "<|call|>", "<|end|>"])
def test_a_stopped_header_is_not_cut_off(stop: str) -> None:
    """In strict mode, the end behind a stop token in a header is another error."""
    error = _parse([], [tokens_of(f"<|channel|>final 4{stop}")]).error
    assert error is not None
    assert error[-1] is False
    error = _parse([], [tokens_of(f"<|channel|>final 4{stop} and")]).error
    assert error is not None
    assert error[-1] is True


def test_other_errors_are_not_cut_off() -> None:
    """Nor is a token that does not fit; the error of one of many completions keeps the sign."""
    error = _parse([], [tokens_of("<|channel|><|message|>")]).error
    assert error is not None
    assert error[-1] is False
    with pytest.raises(core.ParseError) as caught:
        encoding().parse_completions([[87]], _ASSISTANT)
    assert (caught.value.completion, caught.value.cut_off) == (0, True)


@pytest.mark.parametrize(
    ("sampled", "is_cut_off"),
    [
        ("<|channel|>fin", True),
        ("<|channel|>final<|message|>x<|end|><|start|>", True),
        ("<|channel|>final<|message|>x<|end|><|start|>assistant", True),
        ("<|channel|>final 4<|return|>", False),
        ("<|channel|>final<|message|>x", False),
        ("<|channel|>final<|message|>x<|end|>", False),
    ],
)
def test_a_header_cut_off_in_recover_mode(sampled: str, is_cut_off: bool) -> None:
    """A repair says that the stream ends inside a header."""
    events = _parse([], [tokens_of(sampled)], options=_RECOVER).events
    reasons = [event.reason for event in events if isinstance(event, Recovered)]
    assert (RecoveryReason.TRUNCATED_HEADER in reasons) is is_cut_off
