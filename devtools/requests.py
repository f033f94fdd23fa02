"""Serialised requests for the streaming RPCs."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

from harmony_client.v1 import chat_pb2, parse_pb2

from . import material

# Sequences opened per request; more would exceed the server's limits.
_OPENED_AT_ONCE = 256
# A typical answer: some paragraphs and a tool call.
COMPLETION_LENGTH = 1000
_CONFIG = parse_pb2.ParseConfig(role=chat_pb2.ROLE_ASSISTANT)


@dataclass(frozen=True)
class Script:
    """The requests of one stream.

    Attributes:
        opening: Sent first, and not measured.
        steps: Sent while the server's CPU time is measured.
    """

    opening: Sequence[bytes]
    steps: Sequence[bytes]


def completions(count: int) -> list[list[int]]:
    """Returns `count` different completions."""
    return [material.completion(seed, COMPLETION_LENGTH) for seed in range(count)]


def parse_scripts(sequences: Sequence[Sequence[int]], steps: int) -> list[Script]:
    """Returns a Parse stream for each sequence, with one token per request.

    The streams start at positions spread evenly over their sequences, so that headers and ends,
    which cost more, occur in realistic proportion.
    """
    return [
        _parse_script(sequence, index * len(sequence) // len(sequences), steps)
        for index, sequence in enumerate(sequences)
    ]


def batch_script(
    sequences: Sequence[Sequence[int]], *, open_count: int, stepping: int, steps: int, seed: int = 0
) -> Script:
    """Returns the requests of a ParseBatch stream.

    When a sequence is complete it is closed and another is opened in its place, as in continuous
    batching. All sequences start somewhere in the middle.

    Args:
        sequences: The completions to feed.
        open_count: The number of open sequences at any time.
        stepping: The number of sequences that get a token per request; they take turns.
        steps: The number of requests.
        seed: Determines where the sequences start.
    """
    slots = _Slots(sequences, open_count, seed)
    opening = slots.opening()
    begins = itertools.islice(itertools.cycle(range(0, open_count, stepping)), steps)
    return Script(opening, [slots.step(begin, stepping) for begin in begins])


def _parse_script(sequence: Sequence[int], begin: int, steps: int) -> Script:
    config = parse_pb2.ParseRequest(config=_CONFIG).SerializeToString()
    endless = [*sequence, *material.prompt_end(), *sequence]
    return Script(
        [config, _tokens(endless[:begin])],
        [_tokens([token]) for token in endless[begin : begin + steps]],
    )


def _tokens(tokens: Sequence[int]) -> bytes:
    return parse_pb2.ParseRequest(tokens=parse_pb2.TokenIds(tokens=tokens)).SerializeToString()


class _Slots:
    """The slots of a batch, each holding a sequence in progress."""

    def __init__(self, sequences: Sequence[Sequence[int]], count: int, seed: int) -> None:
        rng = random.Random(seed)
        self._sequences = sequences
        self._next_id = itertools.count()
        self._ids = [next(self._next_id) for _ in range(count)]
        self._positions = [
            rng.randrange(1, len(self._sequence(sequence_id)) - 1) for sequence_id in self._ids
        ]

    def opening(self) -> list[bytes]:
        """Returns the requests that open all sequences and feed them up to their start."""
        slots = range(len(self._ids))
        return [
            self._open(slots[begin : begin + _OPENED_AT_ONCE]) for begin in slots[::_OPENED_AT_ONCE]
        ]

    def _open(self, slots: Sequence[int]) -> bytes:
        request = parse_pb2.ParseBatchRequest()
        for slot in slots:
            sequence_id, position = self._ids[slot], self._positions[slot]
            request.open.add(sequence_id=sequence_id, config=_CONFIG)
            request.sequence_ids.extend([sequence_id] * position)
            request.tokens.extend(self._sequence(sequence_id)[:position])
        return request.SerializeToString()

    def step(self, begin: int, count: int) -> bytes:
        """Returns a request with the next token of each of `count` slots, from slot `begin`."""
        request = parse_pb2.ParseBatchRequest()
        for slot in range(begin, begin + count):
            sequence_id = self._ids[slot]
            position = self._positions[slot]
            if position == 0:
                request.open.add(sequence_id=sequence_id, config=_CONFIG)
            request.sequence_ids.append(sequence_id)
            sequence = self._sequence(sequence_id)
            request.tokens.append(sequence[position])
            self._positions[slot] += 1
            if position + 1 == len(sequence):
                request.close.append(sequence_id)
                self._ids[slot] = next(self._next_id)
                self._positions[slot] = 0
        return request.SerializeToString()

    def _sequence(self, sequence_id: int) -> Sequence[int]:
        return self._sequences[sequence_id % len(self._sequences)]
