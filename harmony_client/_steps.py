"""One step of a batch: its tokens as columns, and its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harmony_client import _codec
from harmony_client.errors import RpcError, from_status
from harmony_client.v1 import parse_pb2


class BatchEvent(NamedTuple):
    """An event of one sequence in a step, other than a delta."""

    sequence_id: int
    """The sequence that the event belongs to."""
    delta_index: int
    """How many of the step's deltas come before the event."""
    event: parse_pb2.MessageStarted | parse_pb2.MessageCompleted | parse_pb2.Recovered | RpcError
    """The event. An error is not raised; it has ended this sequence and no other."""


class BatchStep(NamedTuple):
    """The results of one step of a batch."""

    sequence_ids: list[int]
    """The sequence of each delta, parallel to `deltas`."""
    deltas: list[str]
    """New text, one delta for each message of each sequence."""
    events: list[BatchEvent]
    """All other events, in order."""
    delta_begins: list[int]
    """Where the tokens of each delta begin, parallel to `deltas`. 0 for a sequence without
    `delta_offsets`. Empty if all are 0."""
    delta_ends: list[int]
    """Where the tokens of each delta end, parallel to `delta_begins`."""

    def in_order(self) -> Iterator[tuple[int, _codec.Event | RpcError]]:
        """Yields every delta and event in the order they happened, each with its sequence id."""
        yielded = 0
        for sequence_id, delta_index, event in self.events:
            yield from self._deltas(yielded, delta_index)
            yield sequence_id, event
            yielded = delta_index
        yield from self._deltas(yielded, len(self.deltas))

    def _deltas(self, begin: int, end: int) -> Iterator[tuple[int, parse_pb2.ContentDelta]]:
        for index in range(begin, end):
            delta = parse_pb2.ContentDelta(text=self.deltas[index])
            if self.delta_ends and self.delta_ends[index]:
                delta.offsets.begin = self.delta_begins[index]
                delta.offsets.end = self.delta_ends[index]
            yield self.sequence_ids[index], delta


def to_columns(tokens: Mapping[int, _codec.TokenOrRun]) -> tuple[list[int], list[int]]:
    """Returns the sequence ids and tokens of a step as two parallel lists."""
    ids: list[int] = []
    column: list[int] = []
    for sequence_id, given in tokens.items():
        # The common case first: a check for Iterable costs more than all the rest.
        if isinstance(given, int):
            ids.append(sequence_id)
            column.append(given)
        else:
            before = len(column)
            column.extend(_codec.as_run(given))
            ids += [sequence_id] * (len(column) - before)
    return ids, column


def read_step(response: parse_pb2.ParseBatchResponse) -> BatchStep:
    """Returns the results in a response."""
    return BatchStep(
        list(response.sequence_ids),
        list(response.deltas),
        [
            BatchEvent(event.sequence_id, event.delta_index, _read_sequence_event(event))
            for event in response.events
        ],
        list(response.delta_begins),
        list(response.delta_ends),
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
