"""Streams of answers of `Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harmony_client import _openai_codec
from harmony_client._steps import to_columns
from harmony_client._streams import Exchange, Stream
from harmony_client.openai.v1 import openai_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harmony_client._answer_sessions import AnswerBatchSession, OpenedAnswer
    from harmony_client._codec import TokenOrRun


class AnswerStream(Stream[openai_pb2.StreamAnswerRequest, openai_pb2.StreamAnswerResponse]):
    """Turns the tokens of one request into frames; made by `Client.stream_answer`.

        with client.stream_answer(prompt.context) as answer:
            write(answer.open().frames)
            for token in sampled:
                write(answer.step([token]).frames)
            write(answer.step([], ends={0: "stop"}).frames)

    `open` comes first. Use it from one thread at a time, and end it with
    `finish`, `cancel` or the `with` block. An error ends it too. After its end,
    every method but `cancel` raises RuntimeError.
    """

    def __init__(
        self,
        exchange: Exchange[openai_pb2.StreamAnswerRequest, openai_pb2.StreamAnswerResponse],
        opening: openai_pb2.StreamAnswerRequest,
    ) -> None:
        self._exchange = exchange
        self._opening = opening

    def open(self) -> openai_pb2.StreamAnswerResponse:
        """Opens the answer, and returns the frames that stand before the first token.

        Raises what `step` raises.
        """
        return self._exchange.ask(self._opening)

    def step(
        self,
        tokens: Iterable[int],
        *,
        choices: Iterable[int] = (),
        ends: Mapping[int, _openai_codec.EndReason] = _openai_codec.NO_ENDS,
        error_message: str | None = None,
        logprobs: openai_pb2.LogprobColumns | None = None,
        cached_prompt_tokens: int | None = None,
    ) -> openai_pb2.StreamAnswerResponse:
        """Sends tokens and ends, and returns the frames that they complete.

        Args:
            tokens: The tokens, in the order in which they were sampled.
            choices: The choice that each token belongs to. Empty: choice 0.
            ends: The choices that end after these tokens, each with its reason:
                stop, length, content_filter, cancelled or error.
            error_message: For the client, with the reason error. None: a fixed
                sentence.
            logprobs: The log probabilities of the tokens.
            cached_prompt_tokens: How many tokens of the prompt came from a
                cache. None: as before.

        Raises:
            ValueError: A reason is unknown.
            DeadlineExceeded: No response came within the timeout.
            Unavailable: The connection broke.
            RpcError: The call failed in another way.
        """
        step = _openai_codec.answer_step(
            tokens, choices, ends, error_message, logprobs, cached_prompt_tokens
        )
        return self._exchange.ask(openai_pb2.StreamAnswerRequest(step=step))

    def finish(self) -> openai_pb2.StreamAnswerResponse:
        """Cancels every choice that has not ended, and returns the last response.

        Raises what `step` raises.
        """
        response = self._exchange.ask(None)
        self._exchange.end()
        return response


class AnswerBatch(
    Stream[openai_pb2.StreamAnswerBatchRequest, openai_pb2.StreamAnswerBatchResponse]
):
    """Turns the tokens of many requests into frames, one request for each step of an engine.

        with client.stream_answer_batch() as batch:
            opened = batch.open(prompt.context)
            response = batch.step({opened.sequence_ids[0]: 200005})
            for answer_id, frames in zip(response.answer_ids, response.frames):
                write(answer_id, frames)
            batch.end(opened.sequence_ids[0], "stop")
            response = batch.step({})

    Made by `Client.stream_answer_batch`. `open`, `end` and
    `set_cached_prompt_tokens` send nothing themselves: they go with the next
    step. An error of one answer is an entry of `ended`, and ends that answer
    alone.

    Use it from one thread at a time, and end it with `finish`, `cancel` or the
    `with` block. An error raised by a step ends it too. After its end, steps
    and `finish` raise RuntimeError.
    """

    def __init__(
        self,
        exchange: Exchange[
            openai_pb2.StreamAnswerBatchRequest, openai_pb2.StreamAnswerBatchResponse
        ],
        session: AnswerBatchSession,
    ) -> None:
        self._exchange = exchange
        self._session = session

    def open(
        self, context: openai_pb2.AnswerContext, *, framing: _openai_codec.Framing = "sse"
    ) -> OpenedAnswer:
        """Opens an answer with the next step, and returns its id and those of its sequences.

        Raises ValueError for an unknown framing.
        """
        return self._session.open(context, framing)

    def end(
        self,
        sequence_id: int,
        reason: _openai_codec.EndReason,
        *,
        error_message: str | None = None,
    ) -> None:
        """Ends a sequence after the tokens of the next step; see `AnswerStream.step`.

        Raises ValueError if the sequence is not open, or for an unknown reason.
        """
        self._session.end(sequence_id, reason, error_message)

    def set_cached_prompt_tokens(self, answer_id: int, tokens: int) -> None:
        """Says how many tokens of an answer's prompt came from a cache."""
        self._session.set_cached_prompt_tokens(answer_id, tokens)

    def step(self, tokens: Mapping[int, TokenOrRun]) -> openai_pb2.StreamAnswerBatchResponse:
        """Sends one or several tokens for each sequence, and returns what they complete.

        Raises:
            DeadlineExceeded: No response came within the timeout.
            Unavailable: The connection broke.
            RpcError: The call failed in another way.
        """
        return self.step_columns(*to_columns(tokens))

    def step_columns(
        self,
        sequence_ids: Sequence[int],
        tokens: Sequence[int],
        *,
        logprobs: openai_pb2.LogprobColumns | None = None,
    ) -> openai_pb2.StreamAnswerBatchResponse:
        """Does the same as `step`, faster, with parallel columns.

        Repeat the id of a sequence that gets several tokens. Raises what `step`
        raises, and ValueError if the columns differ in length.
        """
        request = self._session.make_request(sequence_ids, tokens, logprobs)
        response = self._exchange.ask(request)
        self._session.note_answer(response)
        return response

    def finish(self) -> openai_pb2.StreamAnswerBatchResponse:
        """Cancels every sequence of the steps so far, and returns the last response.

        Raises what `step` raises.
        """
        response = self._exchange.ask(None)
        self._exchange.end()
        return response
