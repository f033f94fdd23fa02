"""The state of a stream of answers, apart from its transport."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from harmony_client import _openai_codec
from harmony_client._sessions import Session
from harmony_client.openai.v1 import openai_pb2

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class OpenedAnswer(NamedTuple):
    """The ids of an answer on a batch stream."""

    answer_id: int
    """The id of the answer."""
    sequence_ids: tuple[int, ...]
    """The ids of its sequences, in the order of the choices."""


class AnswerSession(Session[RequestT, ResponseT]):
    """A session that does not replay: a broken connection ends the stream."""

    def __init__(self) -> None:
        super().__init__(replay=False)

    def note_opening_answer(self, response: ResponseT) -> None:
        """Does nothing: there are no opening requests."""

    def _make_opening_requests(self) -> Iterator[RequestT]:
        return iter(())

    def _count_entries(self) -> int:
        return 0


class AnswerBatchSession(
    AnswerSession[openai_pb2.StreamAnswerBatchRequest, openai_pb2.StreamAnswerBatchResponse]
):
    """The state of a stream with many answers."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[int, tuple[int, ...]] = {}
        self._sequences: set[int] = set()
        self._next_id = 0
        self._to_open: list[openai_pb2.OpenBatchAnswer] = []
        self._ends: list[openai_pb2.SequenceEnd] = []
        self._cached: list[openai_pb2.CachedPrompt] = []

    def open(
        self, context: openai_pb2.AnswerContext, framing: _openai_codec.Framing
    ) -> OpenedAnswer:
        """Opens an answer with the next request, and returns its ids."""
        label = _openai_codec.to_framing(framing)
        sequence_ids = tuple(self._free_ids(max(1, context.choices)))
        opened = OpenedAnswer(sequence_ids[0], sequence_ids)
        self._to_open.append(
            openai_pb2.OpenBatchAnswer(
                answer_id=opened.answer_id,
                sequence_ids=sequence_ids,
                context=context,
                framing=label,
            )
        )
        self._open[opened.answer_id] = sequence_ids
        self._sequences.update(sequence_ids)
        return opened

    def end(
        self, sequence_id: int, reason: _openai_codec.EndReason, error_message: str | None
    ) -> None:
        """Ends a sequence with the next request."""
        if sequence_id not in self._sequences:
            raise ValueError(f"sequence {sequence_id} is not open")
        self._ends.append(_openai_codec.sequence_end(sequence_id, reason, error_message))

    def set_cached_prompt_tokens(self, answer_id: int, tokens: int) -> None:
        """Sends the number with the next request."""
        self._cached.append(openai_pb2.CachedPrompt(answer_id=answer_id, tokens=tokens))

    def make_request(
        self,
        sequence_ids: Sequence[int],
        tokens: Sequence[int],
        logprobs: openai_pb2.LogprobColumns | None,
    ) -> openai_pb2.StreamAnswerBatchRequest:
        """Returns the request of one step, with the answers to open and the sequences to end."""
        if len(sequence_ids) != len(tokens):
            raise ValueError(f"{len(sequence_ids)} sequence ids for {len(tokens)} tokens")
        request = openai_pb2.StreamAnswerBatchRequest(
            open=self._to_open,
            sequence_ids=sequence_ids,
            tokens=tokens,
            logprobs=logprobs,
            ends=self._ends,
            cached=self._cached,
        )
        self._to_open.clear()
        self._ends.clear()
        self._cached.clear()
        return request

    def note_answer(self, response: openai_pb2.StreamAnswerBatchResponse) -> None:
        """Forgets answers that ended."""
        for ended in response.ended:
            self._sequences.difference_update(self._open.pop(ended.answer_id, ()))

    def _free_ids(self, count: int) -> Iterator[int]:
        for _ in range(count):
            while self._next_id in self._sequences:
                self._next_id = (self._next_id + 1) & 0xFFFF_FFFF
            yield self._next_id
            self._next_id = (self._next_id + 1) & 0xFFFF_FFFF
