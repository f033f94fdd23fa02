"""gRPC handlers of the services: which code serves each RPC, and how requests reach it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

import grpc

from .. import bounds
from ..contract.methods import METHODS, OPENAI_SERVICE_NAME, SERVICE_NAME, Method
from ..operations.errors import RequestError
from ..operations.limits import Limits
from ..operations.offloading import Offloader, PreparedWork
from ..operations.operations import Operations
from ..service.answer_batch_stream import AnswerBatchStream
from ..service.answer_stream import AnswerStream
from ..service.batch_stream import BatchStream
from ..service.openai_unary import OpenAIService
from ..service.parse_stream import ParseStream
from ..service.unary import HarmonyService
from ..telemetry.rpcs import Observer, observed
from .guard import Guard
from .open_streams import OpenStream, OpenStreams

if TYPE_CHECKING:
    _Context = grpc.aio.ServicerContext[bytes, bytes]

# The type of grpc.aio.EOF, which gRPC does not name.
EndOfStream = type(grpc.aio.EOF)


class Stream(Protocol):
    """A bidirectional stream with one response to each request and one to the half-close.

    Attributes:
        failure: The error with which the stream must end after the latest response, or None.
    """

    failure: RequestError | None

    def answer(self, data: bytes) -> bytes:
        """Returns the response to a request.

        Raises:
            RequestError: The stream must end without a response.
        """

    def is_light(self, data: bytes) -> bool:
        """Returns whether a request, which is not small, is so little work that it needs no thread.

        Raises:
            RequestError: As `answer`.
        """

    def finish(self) -> bytes:
        """Returns the response to the half-close."""

    def close(self) -> None:
        """Releases what the stream holds; called exactly once, however the stream ended."""


class _Served(NamedTuple):
    """The code that serves one service.

    Attributes:
        create: Creates the object that serves the unary RPCs.
        unary: Its methods for RPCs whose cost depends on the size of the request.
        prepared: Its methods for RPCs whose cost depends on more: what a cache lacks, or the
            text of the tokens.
        streams: Create the object that serves one stream.
    """

    create: Callable[[Operations], Any]
    unary: Mapping[str, Callable[[Any, bytes], bytes]]
    prepared: Mapping[str, Callable[[Any, bytes], PreparedWork[bytes]]]
    streams: Mapping[str, Callable[[Operations], Stream]]


_SERVED: Final = {
    SERVICE_NAME: _Served(
        HarmonyService,
        unary={
            "GetEncoding": HarmonyService.get_encoding,
            "GetRenderCacheStatistics": HarmonyService.get_render_cache_statistics,
            "Render": HarmonyService.render,
            "Encode": HarmonyService.encode,
        },
        prepared={
            "RenderConversation": HarmonyService.render_conversation,
            "RenderConversationForCompletion": HarmonyService.render_conversation_for_completion,
            "RenderConversationForTraining": HarmonyService.render_conversation_for_training,
            "RenderContinuation": HarmonyService.render_continuation,
            "BuildSamplingConstraint": HarmonyService.build_sampling_constraint,
            "ParseMessages": HarmonyService.parse_messages,
            "Decode": HarmonyService.decode,
        },
        streams={"Parse": ParseStream, "ParseBatch": BatchStream},
    ),
    OPENAI_SERVICE_NAME: _Served(
        OpenAIService,
        unary={"BuildAnswer": OpenAIService.build_answer},
        prepared={
            "RenderChatCompletion": OpenAIService.render_chat_completion,
            "RenderModelResponse": OpenAIService.render_model_response,
        },
        streams={"StreamAnswer": AnswerStream, "StreamAnswerBatch": AnswerBatchStream},
    ),
}


def _check_handlers() -> None:
    """Checks that every RPC of the contract has a handler of its kind, and no other handler exists.

    Raises:
        TypeError: One is missing or unknown.
    """
    declared = {(method.service, name, method.streaming) for name, method in METHODS.items()}
    handled = {
        (service, name, streaming)
        for service, served in _SERVED.items()
        for streaming, names in (
            (False, {**served.unary, **served.prepared}),
            (True, served.streams),
        )
        for name in names
    }
    if wrong := declared ^ handled:
        raise TypeError(f"not both in the contract and among the handlers: {sorted(wrong)}")


# A missing handler fails at import, not at the first call.
_check_handlers()


class Handlers:
    """The method handlers of the services.

    Requests that arrive before `start` wait for it, within their deadlines. Call `close` at the
    end.

    Args:
        limits: The limits of the server.

    Attributes:
        streams: The open streams of all services; reflection adds its own.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started = asyncio.Event()
        self._operations: Operations
        # By the names of the services.
        self._services: dict[str, Any] = {}
        self.streams = OpenStreams()
        self._offloader = Offloader(limits)

    def start(self, operations: Operations) -> None:
        """Begins to answer requests."""
        self._operations = operations
        self._services = {name: served.create(operations) for name, served in _SERVED.items()}
        self._started.set()

    async def end_idle_streams(self) -> None:
        """Ends streams that exceed the idle timeout, until cancelled; without one, returns."""
        if self._limits.stream_idle_seconds:
            await self.streams.end_idle(self._limits.stream_idle_seconds)

    def close(self) -> None:
        """Ends the threads after their current work."""
        self._offloader.close()

    def build_generic_handlers(
        self, services: Iterable[str] = (SERVICE_NAME,), observers: Sequence[Observer] = ()
    ) -> list[grpc.GenericRpcHandler]:
        """Returns the handlers for `grpc.aio.Server.add_generic_rpc_handlers`.

        Args:
            services: The names of the services to offer.
            observers: See each of their RPCs.
        """
        return [
            grpc.method_handlers_generic_handler(
                service,
                {
                    name: observed(method, self._build_handler(method), observers)
                    for name, method in METHODS.items()
                    if method.service == service
                },
            )
            for service in services
        ]

    def _build_handler(self, method: Method) -> grpc.RpcMethodHandler[bytes, bytes]:
        served = _SERVED[method.service]
        if method.streaming:
            return self._build_stream_handler(method, served.streams[method.name])
        if method.name in served.unary:
            return self._build_unary_handler(method, served.unary[method.name])
        return self._build_prepared_handler(method, served.prepared[method.name])

    def _build_unary_handler(
        self, method: Method, do: Callable[[Any, bytes], bytes]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(data: bytes) -> bytes:
            work = functools.partial(do, self._services[method.service], data)
            return await self._offloader.do_request(work, len(data))

        return self._build_guarded_handler(method, serve)

    def _build_prepared_handler(
        self, method: Method, prepare: Callable[[Any, bytes], PreparedWork[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(data: bytes) -> bytes:
            work = functools.partial(prepare, self._services[method.service], data)
            return await self._offloader.do_prepared_request(work, len(data))

        return self._build_guarded_handler(method, serve)

    def _build_guarded_handler(
        self, method: Method, serve: Callable[[bytes], Awaitable[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        domain = method.domain

        async def handle(data: bytes, context: _Context) -> bytes:
            async with Guard(context, domain):
                self._limits.check_bytes(len(data))
                await self._started.wait()
                answer = await serve(data)
                if len(answer) > bounds.MAX_UNCOUNTED_RESPONSE_BYTES:
                    # gRPC keeps the request for as long as the response.
                    await self._count_unread(context, len(answer) + len(data) // 2)
                return answer

        return grpc.unary_unary_rpc_method_handler(handle)

    async def _count_unread(self, context: _Context, size: int) -> None:
        """Counts a response as unread until the RPC has ended."""
        unread = self._limits.unread
        taken = await unread.take(size)

        # grpc's types want an object of a class that does not exist.
        context.add_done_callback(cast("Any", lambda _: unread.give_back(taken)))

    async def _write_counted(self, context: _Context, answer: bytes) -> None:
        """Writes a response that counts as unread until its client has read it or is gone."""
        if len(answer) <= bounds.MAX_UNCOUNTED_RESPONSE_BYTES:
            await context.write(answer)
            return
        unread = self._limits.unread
        taken = await unread.take(len(answer))
        # If this is cancelled, gRPC still holds the response.
        writing = asyncio.ensure_future(context.write(answer))
        del answer

        def give_back(written: asyncio.Future[None]) -> None:
            unread.give_back(taken)
            # Otherwise asyncio logs it.
            if not written.cancelled():
                written.exception()

        writing.add_done_callback(give_back)
        await asyncio.shield(writing)

    def _build_stream_handler(
        self, method: Method, new_stream: Callable[[Operations], Stream]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        domain = method.domain

        async def serve(context: _Context, stream: Stream, open_stream: OpenStream) -> None:
            # Reading only after writing is back-pressure: nothing accumulates here.
            while not isinstance(data := await context.read(), EndOfStream):
                self._limits.check_bytes(len(data))
                if len(data) <= bounds.MAX_INLINE_STREAM_BYTES or stream.is_light(data):
                    answer = stream.answer(data)
                else:
                    open_stream.busy = True
                    answer = await self._offloader.do_stream_request(
                        functools.partial(stream.answer, data), len(data)
                    )
                    open_stream.busy = False
                # It would live for as long as its response is not read.
                data = b""
                open_stream.idle_ticks = 0
                if len(answer) <= bounds.MAX_UNCOUNTED_RESPONSE_BYTES:
                    await context.write(answer)
                else:
                    await self._write_counted(context, answer)
                if stream.failure:
                    raise stream.failure
            await self._write_counted(context, stream.finish())
            if stream.failure:
                raise stream.failure

        # Every coroutine, generator and context manager here takes memory for as long as the stream
        # is open.
        async def handle(_requests: object, context: _Context) -> None:
            async with Guard(context, domain):
                self._limits.streams.take()
                # Release the slot only when the stream has ended: a client that does not read can
                # delay that.
                try:
                    async with self.streams.registered(context, domain) as open_stream:
                        await self._started.wait()
                        stream = new_stream(self._operations)
                        try:
                            await serve(context, stream, open_stream)
                        finally:
                            stream.close()
                finally:
                    self._limits.streams.give_back()

        return grpc.stream_stream_rpc_method_handler(handle)
