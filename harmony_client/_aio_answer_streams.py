"""Streams of answers of `AsyncClient`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harmony_client import _openai_codec
from harmony_client._aio_streams import AsyncExchange, AsyncStream
from harmony_client._steps import to_columns
from harmony_client.openai.v1 import openai_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harmony_client._answer_sessions import AnswerBatchSession, OpenedAnswer
    from harmony_client._codec import TokenOrRun


class AsyncAnswerStream(
    AsyncStream[openai_pb2.StreamAnswerRequest, openai_pb2.StreamAnswerResponse]
):
    """Turns the tokens of one request into frames; made by `AsyncClient.stream_answer`.

    It is `AnswerStream` with methods to await. Use it from one task at a time.
    Cancelling a task in a method ends the stream.
    """

    def __init__(
        self,
        exchange: AsyncExchange[openai_pb2.StreamAnswerRequest, openai_pb2.StreamAnswerResponse],
        opening: openai_pb2.StreamAnswerRequest,
    ) -> None:
        self._exchange = exchange
        self._opening = opening

    async def open(self) -> openai_pb2.StreamAnswerResponse:
        """See `AnswerStream.open`."""
        return await self._exchange.ask(self._opening)

    async def step(
        self,
        tokens: Iterable[int],
        *,
        choices: Iterable[int] = (),
        ends: Mapping[int, _openai_codec.EndReason] = _openai_codec.NO_ENDS,
        error_message: str | None = None,
        logprobs: openai_pb2.LogprobColumns | None = None,
        cached_prompt_tokens: int | None = None,
    ) -> openai_pb2.StreamAnswerResponse:
        """See `AnswerStream.step`."""
        step = _openai_codec.answer_step(
            tokens, choices, ends, error_message, logprobs, cached_prompt_tokens
        )
        return await self._exchange.ask(openai_pb2.StreamAnswerRequest(step=step))

    async def finish(self) -> openai_pb2.StreamAnswerResponse:
        """See `AnswerStream.finish`."""
        response = await self._exchange.ask(None)
        self._exchange.end()
        return response


class AsyncAnswerBatch(
    AsyncStream[openai_pb2.StreamAnswerBatchRequest, openai_pb2.StreamAnswerBatchResponse]
):
    """Turns the tokens of many requests into frames; made by `AsyncClient.stream_answer_batch`.

    It is `AnswerBatch` with methods to await, except `open`, `end` and
    `set_cached_prompt_tokens`, which send nothing. Use it from one task at a
    time. Cancelling a task in a step ends the batch.
    """

    def __init__(
        self,
        exchange: AsyncExchange[
            openai_pb2.StreamAnswerBatchRequest, openai_pb2.StreamAnswerBatchResponse
        ],
        session: AnswerBatchSession,
    ) -> None:
        self._exchange = exchange
        self._session = session

    def open(
        self, context: openai_pb2.AnswerContext, *, framing: _openai_codec.Framing = "sse"
    ) -> OpenedAnswer:
        """See `AnswerBatch.open`."""
        return self._session.open(context, framing)

    def end(
        self,
        sequence_id: int,
        reason: _openai_codec.EndReason,
        *,
        error_message: str | None = None,
    ) -> None:
        """See `AnswerBatch.end`."""
        self._session.end(sequence_id, reason, error_message)

    def set_cached_prompt_tokens(self, answer_id: int, tokens: int) -> None:
        """See `AnswerBatch.set_cached_prompt_tokens`."""
        self._session.set_cached_prompt_tokens(answer_id, tokens)

    async def step(self, tokens: Mapping[int, TokenOrRun]) -> openai_pb2.StreamAnswerBatchResponse:
        """See `AnswerBatch.step`."""
        return await self.step_columns(*to_columns(tokens))

    async def step_columns(
        self,
        sequence_ids: Sequence[int],
        tokens: Sequence[int],
        *,
        logprobs: openai_pb2.LogprobColumns | None = None,
    ) -> openai_pb2.StreamAnswerBatchResponse:
        """See `AnswerBatch.step_columns`."""
        request = self._session.make_request(sequence_ids, tokens, logprobs)
        response = await self._exchange.ask(request)
        self._session.note_answer(response)
        return response

    async def finish(self) -> openai_pb2.StreamAnswerBatchResponse:
        """See `AnswerBatch.finish`."""
        response = await self._exchange.ask(None)
        self._exchange.end()
        return response
