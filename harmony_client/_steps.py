"""The steps of a batch: what one takes, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harmony_client import _codec
from harmony_client.errors import RpcError, from_status
from harmony_client.v1 import parse_pb2


class BatchEvent(NamedTuple):
    """What happened to one sequence in a step, beside its deltas."""

    sequence_id: int
    """The sequence."""
    delta_index: int
    """How many of the step's deltas come before it."""
    event: parse_pb2.MessageStarted | parse_pb2.MessageCompleted | parse_pb2.Recovered | RpcError
    """What happened. An error is not raised: it ended this sequence and no other."""


class BatchStep(NamedTuple):
    """What one step of a batch gave."""

    sequence_ids: list[int]
    """For each delta the sequence that it belongs to."""
    deltas: list[str]
    """New text, one piece for a sequence and message."""
    events: list[BatchEvent]
    """Everything else, in order."""

    def in_order(self) -> Iterator[tuple[int, _codec.Event | RpcError]]:
        """Yields deltas and events as they followed one another, each with its sequence."""
        done = 0
        for sequence_id, delta_index, event in self.events:
            yield from self._deltas(done, delta_index)
            yield sequence_id, event
            done = delta_index
        yield from self._deltas(done, len(self.deltas))

    def _deltas(self, begin: int, end: int) -> Iterator[tuple[int, parse_pb2.ContentDelta]]:
        for index in range(begin, end):
            yield self.sequence_ids[index], parse_pb2.ContentDelta(text=self.deltas[index])


def to_columns(tokens: Mapping[int, _codec.TokenOrRun]) -> tuple[list[int], list[int]]:
    """Returns the sequence ids and the tokens of a step in two parallel lists."""
    ids: list[int] = []
    column: list[int] = []
    for sequence_id, given in tokens.items():
        # The usual case first: to ask for an Iterable costs more than all the rest.
        if isinstance(given, int):
            ids.append(sequence_id)
            column.append(given)
        else:
            before = len(column)
            column.extend(_codec.token_run(given))
            ids += [sequence_id] * (len(column) - before)
    return ids, column


def read_step(response: parse_pb2.ParseBatchResponse) -> BatchStep:
    """Returns what an answer holds."""
    return BatchStep(
        list(response.sequence_ids),
        list(response.deltas),
        [
            BatchEvent(event.sequence_id, event.delta_index, _read_sequence_event(event))
            for event in response.events
        ],
    )


def _read_sequence_event(
    event: parse_pb2.SequenceEvent,
) -> parse_pb2.MessageStarted | parse_pb2.MessageCompleted | parse_pb2.Recovered | RpcError:
    match event.WhichOneof("event"):
        case "started":
            return event.started
        case "completed":
            return event.completed
        case "recovered":
            return event.recovered
        case _:
            return from_status(event.error)
