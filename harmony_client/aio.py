"""The client for asyncio."""

# A timeout here is the deadline that is sent with the call, not a limit of the task.
# ruff: noqa: ASYNC109

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, TypeVar, cast

import grpc

from harmony_client import _codec, _openai_codec
from harmony_client._aio_answer_streams import AsyncAnswerBatch, AsyncAnswerStream
from harmony_client._aio_streams import AsyncBatch, AsyncExchange, AsyncParseStream
from harmony_client._answer_sessions import AnswerBatchSession, AnswerSession
from harmony_client._attribution import (
    AttributedRender,
    AttributedResponse,
    Continuation,
    read_attributed,
    read_continuation,
)
from harmony_client._channel import CHANNEL_OPTIONS, DEFAULT_TIMEOUT
from harmony_client._sessions import BatchSession, ParseSession, Session
from harmony_client.errors import from_grpc
from harmony_client.openai.v1 import openai_pb2
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
    from types import TracebackType
    from typing import Any, Self

    from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceAsyncStub
    from harmony_client.v1 import chat_pb2, constraint_pb2
    from harmony_client.v1.service_pb2_grpc import HarmonyServiceAsyncStub

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
ItemT = TypeVar("ItemT")


class AsyncClient:
    """A connection to a harmony sidecar, for the tasks of one event loop.

        async with AsyncClient("127.0.0.1:50051") as client:
            tokens = await client.render_conversation_for_completion([user("What is 2 + 2?")])

    It is `Client` with methods to await: the names, arguments, results and
    errors are the same. Cancelling a task cancels its call.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        wait_for_ready: bool = True,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Iterable[tuple[str, str | bytes]] = (),
        options: Iterable[tuple[str, str | int]] = (),
    ) -> None:
        """Prepares a connection, as `Client` does.

        Raises RuntimeError if no event loop is running.
        """
        # Outside a loop, the channel would create one that nobody runs.
        asyncio.get_running_loop()
        self._timeout = timeout
        self._wait_for_ready = wait_for_ready
        self._metadata = tuple(metadata)
        all_options = [*CHANNEL_OPTIONS, *options]
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(target, options=all_options)
        else:
            self._channel = grpc.aio.secure_channel(target, credentials, options=all_options)
        # One stub serves both kinds of channel; only the type checker knows two classes.
        self._stub = cast("HarmonyServiceAsyncStub", HarmonyServiceStub(self._channel))
        self._openai_stub = cast("OpenAIServiceAsyncStub", OpenAIServiceStub(self._channel))

    async def close(self) -> None:
        """Closes the connection; calls in progress raise `Cancelled`."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def get_encoding(
        self, *, timeout: float | None = None
    ) -> service_pb2.GetEncodingResponse:
        """See `Client.get_encoding`."""
        return await self._call(self._stub.GetEncoding, service_pb2.GetEncodingRequest(), timeout)

    async def get_render_cache_statistics(
        self, *, timeout: float | None = None
    ) -> service_pb2.GetRenderCacheStatisticsResponse:
        """See `Client.get_render_cache_statistics`."""
        request = service_pb2.GetRenderCacheStatisticsRequest()
        return await self._call(self._stub.GetRenderCacheStatistics, request, timeout)

    async def render(
        self,
        message: chat_pb2.Message,
        *,
        conversation_has_function_tools: bool = False,
        timeout: float | None = None,
    ) -> list[int]:
        """See `Client.render`."""
        request = _codec.render_request(message, conversation_has_function_tools)
        return list((await self._call(self._stub.Render, request, timeout)).tokens)

    async def render_conversation(
        self,
        conversation: _codec.Conversation,
        *,
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> list[int]:
        """See `Client.render_conversation`."""
        request = _codec.render_conversation_request(conversation, auto_drop_analysis, analysis)
        return list((await self._call(self._stub.RenderConversation, request, timeout)).tokens)

    async def render_conversation_for_completion(
        self,
        conversation: _codec.Conversation,
        next_turn_role: _codec.Role = "assistant",
        *,
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> list[int]:
        """See `Client.render_conversation_for_completion`."""
        request = _codec.render_conversation_for_completion_request(
            conversation, next_turn_role, auto_drop_analysis, analysis
        )
        return list(
            (await self._call(self._stub.RenderConversationForCompletion, request, timeout)).tokens
        )

    async def render_conversation_for_training(
        self,
        conversation: _codec.Conversation,
        *,
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> list[int]:
        """See `Client.render_conversation_for_training`."""
        request = _codec.render_conversation_for_training_request(
            conversation, auto_drop_analysis, analysis
        )
        return list(
            (await self._call(self._stub.RenderConversationForTraining, request, timeout)).tokens
        )

    async def build_sampling_constraint(
        self,
        conversation: _codec.Conversation,
        format: _codec.ConstraintFormat,  # noqa: A002  # the name of the request's field
        *,
        tool_choice: _codec.ToolChoiceMode | None = None,
        allowed_recipients: Iterable[str] = (),
        response_schema: Mapping[str, Any] | str | None = None,
        options: constraint_pb2.SamplingConstraintOptions | None = None,
        timeout: float | None = None,
    ) -> service_pb2.BuildSamplingConstraintResponse:
        """See `Client.build_sampling_constraint`."""
        request = _codec.build_sampling_constraint_request(
            conversation, format, tool_choice, allowed_recipients, response_schema, options
        )
        return await self._call(self._stub.BuildSamplingConstraint, request, timeout)

    async def render_attributed(
        self,
        conversation: _codec.Conversation,
        purpose: _codec.RenderPurpose = "conversation",
        *,
        level: _codec.AttributionLevel = "parts",
        loss: service_pb2.LossPolicy | None = None,
        next_turn_role: _codec.Role = "assistant",
        auto_drop_analysis: bool = True,
        analysis: _codec.AnalysisRule | None = None,
        timeout: float | None = None,
    ) -> AttributedRender:
        """See `Client.render_attributed`."""
        request = _codec.build_attributed_render(
            conversation,
            purpose,
            level=level,
            loss=loss,
            next_turn_role=next_turn_role,
            auto_drop_analysis=auto_drop_analysis,
            analysis=analysis,
        )
        stub = self._stub
        response: AttributedResponse
        if isinstance(request, service_pb2.RenderConversationForTrainingRequest):
            response = await self._call(stub.RenderConversationForTraining, request, timeout)
        elif isinstance(request, service_pb2.RenderConversationForCompletionRequest):
            response = await self._call(stub.RenderConversationForCompletion, request, timeout)
        else:
            response = await self._call(stub.RenderConversation, request, timeout)
        return read_attributed(response, has_loss=loss is not None)

    async def continue_sampled(
        self,
        sampled: Iterable[int],
        messages: Iterable[chat_pb2.Message],
        next_turn_role: _codec.Role = "assistant",
        *,
        role: _codec.Role | None = "assistant",
        conversation_has_function_tools: bool = False,
        level: _codec.AttributionLevel | None = None,
        drop_analysis: bool = False,
        keep_return: bool = False,
        timeout: float | None = None,
    ) -> Continuation:
        """See `Client.continue_sampled`."""
        request = _codec.render_continuation_request(
            sampled,
            messages,
            next_turn_role,
            role=role,
            conversation_has_function_tools=conversation_has_function_tools,
            level=level,
            drop_analysis=drop_analysis,
            keep_return=keep_return,
        )
        return read_continuation(await self._call(self._stub.RenderContinuation, request, timeout))

    async def parse_messages(
        self,
        tokens: Iterable[int],
        role: _codec.Role | None = "assistant",
        *,
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        timeout: float | None = None,
    ) -> _codec.ParsedCompletion:
        """See `Client.parse_messages`."""
        options = _codec.parse_options(mode, max_header_tokens, callable_names, channels)
        request = _codec.parse_messages_request(tokens, role, options, prefill)
        return _codec.read_parsed(await self._call(self._stub.ParseMessages, request, timeout))

    async def parse(
        self,
        tokens: AsyncIterable[_codec.TokenOrRun] | Iterable[_codec.TokenOrRun],
        role: _codec.Role | None = "assistant",
        *,
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        delta_offsets: bool = False,
        replay: bool = False,
        timeout: float | None = None,
    ) -> AsyncGenerator[_codec.Event, None]:
        """See `Client.parse`; `tokens` may also be an asynchronous iterable.

        If you leave the loop early, the stream ends when the iterator is
        closed; `contextlib.aclosing` closes it at once.
        """
        async with self.open_parse(
            role,
            mode=mode,
            max_header_tokens=max_header_tokens,
            callable_names=callable_names,
            channels=channels,
            prefill=prefill,
            delta_offsets=delta_offsets,
            replay=replay,
            timeout=timeout,
        ) as stream:
            async for run in _each(tokens):
                for event in await stream.feed(_codec.as_run(run)):
                    yield event
            for event in await stream.finish():
                yield event

    def open_parse(
        self,
        role: _codec.Role | None = "assistant",
        *,
        mode: _codec.ParseMode = "strict",
        max_header_tokens: int | None = None,
        callable_names: Iterable[str] = (),
        channels: Iterable[str] = (),
        prefill: Iterable[int] = (),
        delta_offsets: bool = False,
        replay: bool = False,
        timeout: float | None = None,
    ) -> AsyncParseStream:
        """See `Client.open_parse`."""
        options = _codec.parse_options(
            mode, max_header_tokens, callable_names, channels, delta_offsets
        )
        config = _codec.parse_config(role, options, prefill)
        session = ParseSession(config, replay=replay)
        return AsyncParseStream(self._exchange(self._stub.Parse, session, timeout), session)

    def batch(self, *, replay: bool = False, timeout: float | None = None) -> AsyncBatch:
        """See `Client.batch`."""
        session = BatchSession(replay=replay)
        return AsyncBatch(self._exchange(self._stub.ParseBatch, session, timeout), session)

    async def encode(
        self,
        text: str,
        *,
        allowed_special: _codec.SpecialTokens = (),
        disallowed_special: _codec.SpecialTokens = "all",
        timeout: float | None = None,
    ) -> list[int]:
        """See `Client.encode`."""
        request = _codec.encode_request(text, allowed_special, disallowed_special)
        return list((await self._call(self._stub.Encode, request, timeout)).tokens)

    async def decode(
        self, tokens: Iterable[int], *, strict: bool = False, timeout: float | None = None
    ) -> str:
        """See `Client.decode`."""
        request = _codec.decode_request(tokens, strict)
        return (await self._call(self._stub.Decode, request, timeout)).text

    async def decode_bytes(self, tokens: Iterable[int], *, timeout: float | None = None) -> bytes:
        """See `Client.decode_bytes`."""
        request = _codec.decode_bytes_request(tokens)
        return (await self._call(self._stub.Decode, request, timeout)).data

    async def render_chat_completion(
        self,
        body: bytes,
        header: openai_pb2.AnswerHeader,
        *,
        policy: openai_pb2.RenderPolicy | None = None,
        timeout: float | None = None,
    ) -> openai_pb2.Prompt:
        """See `Client.render_chat_completion`."""
        request = _openai_codec.render_chat_completion_request(body, header, policy)
        response = await self._call(self._openai_stub.RenderChatCompletion, request, timeout)
        return response.prompt

    async def render_model_response(
        self,
        body: bytes,
        header: openai_pb2.AnswerHeader,
        *,
        policy: openai_pb2.RenderPolicy | None = None,
        history: bytes | None = None,
        timeout: float | None = None,
    ) -> openai_pb2.RenderModelResponseResponse:
        """See `Client.render_model_response`."""
        request = _openai_codec.render_model_response_request(body, header, policy, history)
        return await self._call(self._openai_stub.RenderModelResponse, request, timeout)

    async def build_answer(
        self,
        context: openai_pb2.AnswerContext,
        tokens: Iterable[int],
        *,
        ends: Mapping[int, _openai_codec.EndReason],
        choices: Iterable[int] = (),
        error_message: str | None = None,
        logprobs: openai_pb2.LogprobColumns | None = None,
        cached_prompt_tokens: int | None = None,
        timeout: float | None = None,
    ) -> openai_pb2.AnswerResult:
        """See `Client.build_answer`."""
        step = _openai_codec.answer_step(
            tokens, choices, ends, error_message, logprobs, cached_prompt_tokens
        )
        request = _openai_codec.build_answer_request(context, step)
        return (await self._call(self._openai_stub.BuildAnswer, request, timeout)).result

    def stream_answer(
        self,
        context: openai_pb2.AnswerContext,
        *,
        framing: _openai_codec.Framing = "sse",
        timeout: float | None = None,
    ) -> AsyncAnswerStream:
        """See `Client.stream_answer`."""
        opening = _openai_codec.open_answer(context, framing)
        session = AnswerSession[openai_pb2.StreamAnswerRequest, openai_pb2.StreamAnswerResponse]()
        exchange = self._exchange(self._openai_stub.StreamAnswer, session, timeout)
        return AsyncAnswerStream(exchange, opening)

    def stream_answer_batch(self, *, timeout: float | None = None) -> AsyncAnswerBatch:
        """See `Client.stream_answer_batch`."""
        session = AnswerBatchSession()
        exchange = self._exchange(self._openai_stub.StreamAnswerBatch, session, timeout)
        return AsyncAnswerBatch(exchange, session)

    async def _call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[RequestT, ResponseT],
        request: RequestT,
        timeout: float | None,
    ) -> ResponseT:
        """Makes a unary call with the client's settings; raises the client's errors."""
        try:
            return await method(
                request,
                timeout=self._timeout if timeout is None else timeout,
                metadata=self._metadata,
                wait_for_ready=self._wait_for_ready,
            )
        except grpc.aio.AioRpcError as error:
            raise from_grpc(error) from error

    def _exchange(
        self,
        method: grpc.aio.StreamStreamMultiCallable[RequestT, ResponseT],
        session: Session[RequestT, ResponseT],
        timeout: float | None,
    ) -> AsyncExchange[RequestT, ResponseT]:
        """Prepares a stream with the client's settings, without starting a call."""

        def start() -> grpc.aio.StreamStreamCall[RequestT, ResponseT]:
            return method(metadata=self._metadata, wait_for_ready=self._wait_for_ready)

        return AsyncExchange(start, session, self._timeout if timeout is None else timeout)


async def _each(items: AsyncIterable[ItemT] | Iterable[ItemT]) -> AsyncIterator[ItemT]:
    """Yields the items of either kind of iterable."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
