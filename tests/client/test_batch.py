"""Batches against the real server, with both clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from harmony_client import (
    BatchEvent,
    BatchStep,
    Client,
    ContentDelta,
    InvalidArgument,
    MessageCompleted,
    MessageStarted,
    ParseFailed,
    Recovered,
    assistant,
)

Connect = Callable[..., Client]

# `final`, as in `<|channel|>final<|message|>`.
HEADER = [200005, 17196, 200008]
RETURN = 200002


@pytest.fixture
def client(connect: Connect, server_address: str) -> Client:
    """A client of either kind."""
    return connect(server_address)


def kinds(step: BatchStep) -> list[tuple[int, str]]:
    """Returns what happened to which sequence, in order."""
    return [(sequence_id, type(event).__name__) for sequence_id, event in step.in_order()]


def test_columns(client: Client) -> None:
    """Deltas come in parallel columns; each other event has its place among them."""
    one, two = client.encode("one"), client.encode("two")
    with client.batch() as batch:
        batch.open(7)
        batch.open(8)
        assert batch.step({7: HEADER[0], 8: HEADER[0]}) == BatchStep([], [], [], [], [])
        step = batch.step({7: [*HEADER[1:], *one], 8: [*HEADER[1:], *two, RETURN]})
        assert step.sequence_ids == [7, 8]
        assert step.deltas == ["one", "two"]
        places = [(event.sequence_id, event.delta_index) for event in step.events]
        assert places == [(7, 0), (8, 1), (8, 2)]
        first, second, third = (event.event for event in step.events)
        assert isinstance(first, MessageStarted)
        assert isinstance(second, MessageStarted)
        assert isinstance(third, MessageCompleted)
        assert third.message == assistant("two", channel="final")


def test_deltas_with_offsets(client: Client) -> None:
    """The ranges come in columns, 0 for who did not ask; `in_order` puts them into the deltas."""
    text = client.encode("two words")
    with client.batch() as batch:
        batch.open(7)
        batch.open(8, prefill=HEADER, delta_offsets=True)
        step = batch.step({7: HEADER, 8: text[0]})
        assert (step.deltas, step.delta_begins, step.delta_ends) == (["two"], [0], [1])
        step = batch.step({7: text[0], 8: text[1]})
        assert (step.deltas, step.delta_begins, step.delta_ends) == (
            ["two", " words"],
            [0, 1],
            [0, 2],
        )
        deltas = [event for _, event in step.in_order() if isinstance(event, ContentDelta)]
        assert [delta.HasField("offsets") for delta in deltas] == [False, True]
        assert (deltas[1].offsets.begin, deltas[1].offsets.end) == (1, 2)
        step = batch.step({7: text[1]})
        assert (step.deltas, step.delta_begins, step.delta_ends) == ([" words"], [], [])


def test_in_order(client: Client) -> None:
    """`in_order` yields deltas and events in the order in which they happened."""
    text = client.encode("text")
    with client.batch() as batch:
        batch.open(1)
        step = batch.step({1: [*HEADER, *text, RETURN]})
        assert kinds(step) == [(1, "MessageStarted"), (1, "ContentDelta"), (1, "MessageCompleted")]
        (delta,) = (event for _, event in step.in_order() if isinstance(event, ContentDelta))
        assert delta.text == "text"


def test_mapping_and_columns_are_the_same(client: Client) -> None:
    """A mapping gives the same as columns, in which a sequence may occur several times."""
    with client.batch() as batch:
        for sequence_id in range(4):
            batch.open(sequence_id)
        a = batch.step({0: [*HEADER, 1], 1: HEADER})
        b = batch.step_columns([2] * 4 + [3] * 3, [*HEADER, 1, *HEADER])
        assert a.deltas == b.deltas
        assert [event.event for event in a.events] == [event.event for event in b.events]
        with pytest.raises(ValueError, match="2 sequence ids for 1 tokens"):
            batch.step_columns([0, 1], [1])
        assert batch.step({0: 1}).deltas == a.deltas


def test_close(client: Client) -> None:
    """A sequence ends after the tokens of the next step; then its id is free."""
    with client.batch() as batch:
        batch.open(5)
        batch.step({5: HEADER})
        batch.close(5)
        assert kinds(batch.step({5: 1})) == [(5, "ContentDelta"), (5, "MessageCompleted")]
        batch.open(5)
        assert kinds(batch.step({5: HEADER})) == [(5, "MessageStarted")]


def test_finish(client: Client) -> None:
    """`finish` completes the open sequences."""
    with client.batch() as batch:
        for sequence_id in range(3):
            batch.open(sequence_id)
        batch.step(dict.fromkeys(range(3), HEADER))
        assert kinds(batch.finish()) == [(i, "MessageCompleted") for i in range(3)]
        with pytest.raises(RuntimeError, match="the stream has ended"):
            batch.step({})


def test_ids_are_given(client: Client) -> None:
    """`open` without an id picks a free one."""
    with client.batch() as batch:
        batch.open(1)
        assert [batch.open() for _ in range(3)] == [0, 2, 3]


def test_open_twice_and_close_unopened(client: Client) -> None:
    """Invalid ids are refused before anything is sent, and the batch goes on."""
    with client.batch() as batch:
        batch.open(1)
        with pytest.raises(ValueError, match="sequence 1 is already open"):
            batch.open(1)
        with pytest.raises(ValueError, match="sequence 2 is not open"):
            batch.close(2)
        batch.close(1)
        with pytest.raises(ValueError, match="sequence 1 is not open"):
            batch.close(1)
        with pytest.raises(ValueError, match="sequence 1 is already open"):
            batch.open(1)
        with pytest.raises(ValueError, match="unknown name 'model'"):
            batch.open(3, role="model")
        assert kinds(batch.step({1: HEADER})) == [(1, "MessageStarted"), (1, "MessageCompleted")]


def test_an_error_ends_one_sequence(client: Client) -> None:
    """Malformed output is an event after those before it; the other sequences go on."""
    with client.batch() as batch:
        batch.open(1)
        batch.open(2)
        step = batch.step({1: [*HEADER, RETURN, 99, 98], 2: HEADER})
        assert kinds(step) == [
            (1, "MessageStarted"),
            (1, "MessageCompleted"),
            (1, "ParseFailed"),
            (2, "MessageStarted"),
        ]
        error = step.events[2].event
        assert isinstance(error, ParseFailed)
        assert (error.token, error.offset, error.state) == (99, 4, "ExpectStart")
        assert batch.step({2: 1}).sequence_ids == [2]
        # The id is free.
        batch.open(1)
        assert kinds(batch.step({1: HEADER})) == [(1, "MessageStarted")]


def test_tokens_for_no_sequence(client: Client) -> None:
    """Tokens for a sequence that is not open cause an error event with its own reason."""
    with client.batch() as batch:
        (event,) = batch.step({9: [1, 2]}).events
        assert event.sequence_id == 9
        assert isinstance(event.event, InvalidArgument)
        assert event.event.reason == "SEQUENCE_UNKNOWN"


def test_options(client: Client) -> None:
    """Each sequence has its own options; a refused one is an error event."""
    with client.batch() as batch:
        batch.open(1, mode="recover")
        batch.open(2, role=None)
        batch.open(3, max_header_tokens=1)
        batch.open(4, mode="lenient")
        batch.open(5, max_header_tokens=0)
        step = batch.step({1: RETURN, 2: 200006, 3: HEADER, 4: [*HEADER[:2], RETURN]})
        errors: dict[int, Any] = {event.sequence_id: event.event for event in step.events}
        assert isinstance(errors[1], Recovered)
        assert 2 not in errors
        assert isinstance(errors[3], ParseFailed)
        assert isinstance(errors[4], MessageCompleted)
        assert isinstance(errors[5], InvalidArgument)


def test_a_step_of_an_engine(client: Client) -> None:
    """A step of 256 sequences takes far less time than a model's step."""
    ids = list(range(256))
    text = client.encode(" word")[0]
    with client.batch(replay=True) as batch:
        for sequence_id in ids:
            batch.open(sequence_id)
        batch.step(dict.fromkeys(ids, HEADER))
        began = time.monotonic()
        for _ in range(20):
            step = batch.step_columns(ids, [text] * 256)
            assert step.deltas == [" word"] * 256
            assert step.sequence_ids == ids
        # A hundred times what it usually takes.
        assert time.monotonic() - began < 20
        events: list[BatchEvent] = batch.finish().events
    completed = [event.event for event in events if isinstance(event.event, MessageCompleted)]
    assert [event.message for event in completed] == [
        assistant(" word" * 20, channel="final")
    ] * 256
