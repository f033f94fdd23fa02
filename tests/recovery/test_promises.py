"""Guarantees of recover mode for every token sequence."""

import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.core import (
    Conversation,
    Message,
    ParseOptions,
    RenderConversationConfig,
    Role,
    StreamableParser,
)
from harmony_server.core.events import (
    ContentDelta,
    Event,
    MessageCompleted,
    MessageStarted,
    Recovered,
    RecoveryReason,
    TokenRange,
)
from harmony_server.core.parser import MessageParser
from harmony_server.core.structure import STRUCTURAL_TOKENS
from harmony_server.core.tokenizer import SPECIAL_TOKENS, VOCABULARY_SIZE
from tests.strategies.outputs import outputs as mutated_outputs
from tests.support.encodings import SPELLINGS, encode, encoding, tokens_of

from .generated import spoil

RECOVER = ParseOptions(recover=True)
FOREIGN = frozenset(SPECIAL_TOKENS.values()) - STRUCTURAL_TOKENS
# The repairs that turn text of a header into content.
TEXT_LEAVES_HEADER = {
    RecoveryReason.MISSING_MESSAGE,
    RecoveryReason.HEADER_TOO_LONG,
    RecoveryReason.TRUNCATED_HEADER,
}

roles = st.sampled_from([None, *Role])
generated_outputs = st.integers(0, 2**32).map(lambda seed: tokens_of(spoil(seed).text))
outputs = mutated_outputs | generated_outputs


def feed(parser: MessageParser, chunks: Sequence[Sequence[int]]) -> list[Event]:
    """Feeds chunks, ends the stream, and returns the events."""
    events: list[Event] = []
    for chunk in chunks:
        parser.feed(chunk, events)
    parser.finish(events)
    return events


def text_of(tokens: Sequence[int]) -> str:
    """Returns the text of tokens, with U+FFFD for each unknown id."""
    known = [token if token < VOCABULARY_SIZE else None for token in tokens]
    data = b"".join(
        encoding().decode_bytes([token]) if token is not None else "\ufffd".encode()
        for token in known
    )
    return data.decode(errors="replace")


def text_without_markers(tokens: Sequence[int]) -> str:
    """Returns the text of a header without special tokens; the structural ones cut characters."""
    text = text_of([token for token in tokens if token not in FOREIGN])
    for spelling in SPELLINGS:
        text = text.replace(spelling, "")
    return text


def without_space(text: str) -> Counter[str]:
    """Counts the characters other than white space, whatever their case."""
    return Counter("".join(text.lower().split()))


@given(outputs, roles)
def test_every_token_is_covered_once(tokens: list[int], role: Role | None) -> None:
    """Headers, contents and text outside messages cover each non-structural token exactly once."""
    events = encoding().parse_events(tokens, role, RECOVER)
    ranges = []
    for event in events:
        if isinstance(event, MessageCompleted):
            ranges += [event.header_range, event.content_range]
        elif isinstance(event, Recovered) and event.message_index is None and event.text:
            ranges.append(event.offsets)
    covered = [offset for begin, end in ranges for offset in range(begin, end)]
    assert covered == sorted(set(covered))
    left_out = set(range(len(tokens))) - set(covered)
    assert {tokens[offset] for offset in left_out} <= set(SPECIAL_TOKENS.values())


@given(outputs, roles)
def test_no_text_is_lost(tokens: list[int], role: Role | None) -> None:
    """A message keeps its content exactly, and all text of its header but separators."""
    events = encoding().parse_events(tokens, role, RECOVER)
    completed = [event for event in events if isinstance(event, MessageCompleted)]
    for index, message in enumerate(completed):
        header_tokens = tokens[slice(*message.header_range)]
        content_tokens = [
            token
            for token in tokens[slice(*message.content_range)]
            if token not in SPECIAL_TOKENS.values()
        ]
        content = text_of(content_tokens)
        if TEXT_LEAVES_HEADER.isdisjoint(message.repairs):
            assert message.text == content
        else:
            # Its first token may belong to a field, its last blank to the next header.
            assert content.strip().endswith(message.text.strip())
        header = message.header
        fields = [header.name, header.recipient, header.channel, header.content_type]
        stray = [
            event.text
            for event in events
            if isinstance(event, Recovered) and event.message_index == index
        ]
        reported = without_space("".join([*filter(None, fields), *stray, message.text]))
        written = without_space(text_without_markers(header_tokens))
        separators = Counter("to=" * len(header_tokens) + header.role.value)
        if header.name is not None:
            # As in `user:bob`.
            separators[":"] += 1
        assert not written - reported - separators


@given(outputs, roles)
def test_text_outside_messages_is_exact(tokens: list[int], role: Role | None) -> None:
    """Text outside messages is reported exactly as its tokens decode."""
    events = encoding().parse_events(tokens, role, RECOVER)
    for event in events:
        if isinstance(event, Recovered) and event.message_index is None and event.text:
            # The text of a header that made no message is reported without its structural tokens.
            read = text_without_markers if event.raw_header else text_of
            assert event.text == read(tokens[slice(*event.offsets)])


@given(outputs, roles, st.sampled_from([1, 2, 3, 8, 16, 32, 4096]), st.data())
def test_chunk_boundaries_change_nothing(
    tokens: list[int], role: Role | None, max_header_tokens: int, data: st.DataObject
) -> None:
    """However the tokens arrive, messages and repairs are the same in number, order and offsets."""
    options = ParseOptions(recover=True, max_header_tokens=max_header_tokens)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
    edges = [0, *cuts, len(tokens)]
    chunks = [tokens[a:b] for a, b in itertools.pairwise(edges)]
    whole = feed(encoding().new_parser(role, options), [tokens])
    in_chunks = feed(encoding().new_parser(role, options), chunks)
    one_by_one = feed(encoding().new_parser(role, options), [[token] for token in tokens])
    assert summary(whole) == summary(in_chunks) == summary(one_by_one)


@given(outputs, roles)
def test_deltas_are_the_text(tokens: list[int], role: Role | None) -> None:
    """A message starts before its deltas, which add up to its text, and then completes."""
    text: str | None = None
    for event in feed(encoding().new_parser(role, RECOVER), [[token] for token in tokens]):
        if isinstance(event, MessageStarted):
            assert text is None
            text = ""
        elif isinstance(event, ContentDelta):
            assert text is not None
            text += event.text
        elif isinstance(event, MessageCompleted):
            assert event.text == text
            text = None
    assert text is None


@given(outputs, roles)
def test_messages_have_the_reasons_of_their_repairs(tokens: list[int], role: Role | None) -> None:
    """A message has the reasons of exactly those repairs that refer to it."""
    events = encoding().parse_events(tokens, role, RECOVER)
    repairs = [event for event in events if isinstance(event, Recovered)]
    completed = [event for event in events if isinstance(event, MessageCompleted)]
    for index, message in enumerate(completed):
        assert set(message.repairs) == {
            repair.reason for repair in repairs if repair.message_index == index
        }
    for repair in repairs:
        assert 0 <= repair.offsets.begin <= repair.offsets.end <= len(tokens)
        assert repair.message_index is None or repair.message_index < len(completed)


@given(outputs, roles)
def test_output_without_repairs_is_parsed_as_in_strict_mode(
    tokens: list[int], role: Role | None
) -> None:
    """If nothing was repaired, strict mode gives the same events."""
    events = encoding().parse_events(tokens, role, RECOVER)
    if not any(isinstance(event, Recovered) for event in events) and tokens:
        assert encoding().parse_events(tokens, role, ParseOptions()) == events


@given(
    st.lists(
        st.builds(
            Message.from_role_and_content,
            st.sampled_from([Role.ASSISTANT, Role.USER]),
            st.text(st.characters(exclude_categories=["Cs"])),
        ).flatmap(
            lambda message: st.sampled_from([None, "analysis", "commentary", "final"]).map(
                lambda channel: message.model_copy(update={"channel": channel})
            )
        ),
        max_size=4,
    )
)
def test_rendered_conversations_need_no_repairs(messages: list[Message]) -> None:
    """Rendered conversations give the same events as in strict mode."""
    conversation = Conversation.from_messages(messages)
    config = RenderConversationConfig(auto_drop_analysis=False)
    tokens = encoding().render_conversation(conversation, config)
    strict = encoding().parse_events(tokens, None, ParseOptions())
    assert encoding().parse_events(tokens, None, RECOVER) == strict


@given(outputs, roles)
def test_the_streamable_parser_agrees(tokens: list[int], role: Role | None) -> None:
    """StreamableParser gives the same messages and repairs as parsing the whole sequence."""
    parser = StreamableParser(encoding(), role, options=RECOVER)
    for token in tokens:
        parser.process(token)
    parser.process_eos()
    events = encoding().parse_events(tokens, role, RECOVER)
    expected = [event.to_message() for event in events if isinstance(event, MessageCompleted)]
    assert parser.messages == expected
    assert repair_texts(parser.recovered) == repair_texts(events)


def test_any_integer_is_a_token() -> None:
    """Each id outside the vocabulary, even a negative one, becomes one U+FFFD."""
    tokens = [*encode("<|channel|>final<|message|>"), -1, 2**40, VOCABULARY_SIZE]
    events = encoding().parse_events(tokens, Role.ASSISTANT, RECOVER)
    [message] = [event for event in events if isinstance(event, MessageCompleted)]
    assert message.text == "\ufffd\ufffd\ufffd"
    assert message.repairs == (RecoveryReason.INVALID_TOKEN,)


def test_a_cut_character_stays_before_the_blank_of_the_next_header() -> None:
    """The blank in front of a header in the text comes behind a character that was cut off."""
    # 4103 is the beginning of a character.
    tokens = [*encode("<|channel|>final We see"), 4103, *encode(" to=functions.f<|message|>{}")]
    events = encoding().parse_events(tokens, Role.ASSISTANT, RECOVER)
    texts = [event.text for event in events if isinstance(event, MessageCompleted)]
    assert texts == ["We see\ufffd ", "{}"]


def test_a_header_with_much_text_becomes_content() -> None:
    """A header also ends at 4,096 characters, which a few tokens may have."""
    tokens = encode("<|channel|>final" + "-" * 10_000)
    events = encoding().parse_events(tokens, Role.ASSISTANT, RECOVER)
    [message] = [event for event in events if isinstance(event, MessageCompleted)]
    assert message.text == "-" * 10_000
    assert RecoveryReason.HEADER_TOO_LONG in message.repairs


def test_long_header_becomes_content() -> None:
    """A header ends at its limit, and the rest becomes content."""
    options = ParseOptions(recover=True, max_header_tokens=8)
    tokens = encode("<|channel|>final" + "x" * 200)
    events = encoding().parse_events(tokens, Role.ASSISTANT, options)
    [message] = [event for event in events if isinstance(event, MessageCompleted)]
    assert message.text == "final" + "x" * 200
    assert message.repairs[0] is RecoveryReason.HEADER_TOO_LONG


@pytest.mark.parametrize(
    ("flood", "reason"),
    [
        ("<|end|>", RecoveryReason.EXTRA_STOP),
        ("<|start|>", RecoveryReason.EXTRA_START),
        ("word ", RecoveryReason.TEXT_OUTSIDE_MESSAGE),
    ],
)
def test_a_flood_is_one_repair(flood: str, reason: RecoveryReason) -> None:
    """100,000 identical repairs in a row are reported as one, with their range."""
    tokens = [*encode("<|channel|>final<|message|>hi<|end|>"), *encode(flood) * 100_000]
    events = encoding().parse_events(tokens, Role.ASSISTANT, RECOVER)
    first, *rest = [event for event in events if isinstance(event, Recovered)]
    assert first.reason is reason
    assert first.offsets.end == len(tokens)
    # After the start tokens, the stream ends inside a header.
    assert [repair.reason for repair in rest] in ([], [RecoveryReason.TRUNCATED_HEADER])


def summary(events: Sequence[Event]) -> list[object]:
    """Returns what must not depend on chunks: messages and repairs, in order.

    Neighbours of one reason, which a cut may have made two, are put together.
    """
    read: list[object] = []
    for event in events:
        last = read[-1] if read else None
        if isinstance(event, MessageCompleted):
            read.append(event)
        elif isinstance(event, Recovered):
            is_run = (
                isinstance(last, Recovered)
                and (last.reason, last.message_index) == (event.reason, event.message_index)
                and last.offsets.end == event.offsets.begin
                and not last.raw_header + event.raw_header
            )
            if is_run:
                assert isinstance(last, Recovered)
                offsets = TokenRange(last.offsets.begin, event.offsets.end)
                text = last.text + event.text
                read[-1] = Recovered(event.reason, text, offsets, "", event.message_index)
            else:
                read.append(event)
    return read


def repair_texts(events: Sequence[object]) -> dict[tuple[RecoveryReason, int | None], str]:
    """Returns the texts of the repairs, joined by reason and message."""
    texts: dict[tuple[RecoveryReason, int | None], str] = {}
    for event in events:
        if isinstance(event, Recovered):
            key = (event.reason, event.message_index)
            texts[key] = texts.get(key, "") + event.text
    return texts
