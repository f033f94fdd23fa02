"""The steps of the Go client's batch example, made with the Python client."""

import time
from collections.abc import Sequence

from harmony_client import Batch, Client


def step_batch(address: str, completions: Sequence[str], sequences: int, steps: int) -> float:
    """Steps sequences that repeat the completions; returns the wall seconds of all steps."""
    with Client(address) as client:
        encoded = [client.encode(text, allowed_special="all") for text in completions]
        with client.batch() as batch:
            engine = _Engine(batch, encoded, sequences)
            engine.begin()
            begin = time.perf_counter()
            for _ in range(steps):
                engine.step()
            seconds = time.perf_counter() - begin
            batch.finish()
    return seconds


class _Engine:
    """The sequences of a batch, each repeating a completion."""

    def __init__(self, batch: Batch, completions: Sequence[Sequence[int]], sequences: int) -> None:
        self._batch = batch
        self._completions = [completions[i % len(completions)] for i in range(sequences)]
        self._positions = [0] * sequences

    def begin(self) -> None:
        """Moves the sequences to positions spread over their completions, in one step."""
        count = len(self._completions)
        self._advance([i * len(c) // count for i, c in enumerate(self._completions)])

    def step(self) -> None:
        """Feeds one token to each sequence."""
        self._advance([1] * len(self._completions))

    def _advance(self, counts: Sequence[int]) -> None:
        sequence_ids: list[int] = []
        tokens: list[int] = []
        for sequence_id, count in enumerate(counts):
            completion = self._completions[sequence_id]
            begin = self._positions[sequence_id]
            end = begin + count
            if begin == 0 and count:
                self._batch.open(sequence_id)
            sequence_ids += [sequence_id] * count
            tokens += completion[begin:end]
            if end == len(completion):
                self._batch.close(sequence_id)
                end = 0
            self._positions[sequence_id] = end
        for sequence_id, _, event in self._batch.step_columns(sequence_ids, tokens).events:
            if isinstance(event, Exception):
                raise RuntimeError(f"sequence {sequence_id} failed") from event
