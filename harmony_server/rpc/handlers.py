"""gRPC handlers of the service: which code serves each RPC, and how requests reach it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import grpc

from .. import bounds
from ..contract.methods import METHODS, SERVICE_NAME
from ..operations.errors import RequestError
from ..operations.limits import Limits
from ..operations.offloading import Offloader, PreparedWork
from ..operations.operations import Operations
from ..service.batch_stream import BatchStream
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

    def finish(self) -> bytes:
        """Returns the response to the half-close."""

    def close(self) -> None:
        """Releases what the stream holds; called exactly once, however the stream ended."""


# RPCs whose cost depends on the size of the request.
_UNARY: Final[dict[str, Callable[[HarmonyService, bytes], bytes]]] = {
    "GetEncoding": HarmonyService.get_encoding,
    "GetRenderCacheStatistics": HarmonyService.get_render_cache_statistics,
    "Render": HarmonyService.render,
    "ParseMessages": HarmonyService.parse_messages,
    "Encode": HarmonyService.encode,
    "Decode": HarmonyService.decode,
}
# RPCs whose cost depends on the new messages of the conversation.
_CONVERSATIONS: Final[dict[str, Callable[[HarmonyService, bytes], PreparedWork[bytes]]]] = {
    "RenderConversation": HarmonyService.render_conversation,
    "RenderConversationForCompletion": HarmonyService.render_conversation_for_completion,
    "RenderConversationForTraining": HarmonyService.render_conversation_for_training,
    "RenderContinuation": HarmonyService.render_continuation,
}
_STREAMS: Final[dict[str, Callable[[Operations], Stream]]] = {
    "Parse": ParseStream,
    "ParseBatch": BatchStream,
}


def _check_handlers(unary: Mapping[str, object], streams: Mapping[str, object]) -> None:
    """Checks that every RPC of the contract has a handler of its kind, and no other handler exists.

    Raises:
        TypeError: One is missing or unknown.
    """
    for streaming, handled in ((False, unary), (True, streams)):
        declared = {name for name, method in METHODS.items() if method.streaming == streaming}
        if wrong := declared ^ handled.keys():
            raise TypeError(f"not both in the contract and among the handlers: {sorted(wrong)}")


# A missing handler fails at import, not at the first call.
_check_handlers({**_UNARY, **_CONVERSATIONS}, _STREAMS)


class Handlers:
    """The method handlers of harmony.v1.HarmonyService.

    Requests that arrive before `start` wait for it, within their deadlines. Call `close` at the
    end.

    Args:
        limits: The limits of the server.

    Attributes:
        streams: The open streams of Parse and ParseBatch; reflection adds its own.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started = asyncio.Event()
        self._service: HarmonyService
        self.streams = OpenStreams()
        self._offloader = Offloader(limits)

    def start(self, operations: Operations) -> None:
        """Begins to answer requests."""
        self._service = HarmonyService(operations)
        self._started.set()

    async def end_idle_streams(self) -> None:
        """Ends streams that exceed the idle timeout, until cancelled; without one, returns."""
        if self._limits.stream_idle_seconds:
            await self.streams.end_idle(self._limits.stream_idle_seconds)

    def close(self) -> None:
        """Ends the threads after their current work."""
        self._offloader.close()

    def build_generic_handler(self, observers: Sequence[Observer] = ()) -> grpc.GenericRpcHandler:
        """Returns the handler for `grpc.aio.Server.add_generic_rpc_handlers`."""
        handlers = {
            **{name: self._build_unary_handler(method) for name, method in _UNARY.items()},
            **{
                name: self._build_conversation_handler(method)
                for name, method in _CONVERSATIONS.items()
            },
            **{
                name: self._build_stream_handler(new_stream)
                for name, new_stream in _STREAMS.items()
            },
        }
        observed_handlers = {
            name: observed(METHODS[name], handler, observers) for name, handler in handlers.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE_NAME, observed_handlers)

    def _build_unary_handler(
        self, method: Callable[[HarmonyService, bytes], bytes]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(data: bytes) -> bytes:
            return await self._offloader.do_request(
                functools.partial(method, self._service, data), len(data)
            )

        return self._build_guarded_handler(serve)

    def _build_conversation_handler(
        self, method: Callable[[HarmonyService, bytes], PreparedWork[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(data: bytes) -> bytes:
            return await self._offloader.do_prepared_request(
                functools.partial(method, self._service, data), len(data)
            )

        return self._build_guarded_handler(serve)

    def _build_guarded_handler(
        self, serve: Callable[[bytes], Awaitable[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def handle(data: bytes, context: _Context) -> bytes:
            async with Guard(context):
                self._limits.check_bytes(len(data))
                await self._started.wait()
                return await serve(data)

        return grpc.unary_unary_rpc_method_handler(handle)

    def _build_stream_handler(
        self, new_stream: Callable[[Operations], Stream]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(context: _Context, stream: Stream, open_stream: OpenStream) -> None:
            # Reading only after writing is back-pressure: nothing accumulates here.
            while not isinstance(data := await context.read(), EndOfStream):
                self._limits.check_bytes(len(data))
                if len(data) <= bounds.MAX_INLINE_STREAM_BYTES:
                    answer = stream.answer(data)
                else:
                    open_stream.busy = True
                    answer = await self._offloader.do_in_thread(
                        functools.partial(stream.answer, data), len(data)
                    )
                    open_stream.busy = False
                open_stream.idle_ticks = 0
                await context.write(answer)
                if stream.failure:
                    raise stream.failure
            await context.write(stream.finish())
            if stream.failure:
                raise stream.failure

        # Every coroutine, generator and context manager here takes memory for as long as the stream
        # is open.
        async def handle(_requests: object, context: _Context) -> None:
            async with Guard(context):
                self._limits.streams.take()
                # Release the slot only when the stream has ended: a client that does not read can
                # delay that.
                try:
                    async with self.streams.registered(context) as open_stream:
                        await self._started.wait()
                        stream = new_stream(self._service.operations)
                        try:
                            await serve(context, stream, open_stream)
                        finally:
                            stream.close()
                finally:
                    self._limits.streams.give_back()

        return grpc.stream_stream_rpc_method_handler(handle)
