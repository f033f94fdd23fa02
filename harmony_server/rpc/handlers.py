"""gRPC handlers of the service: which code serves which RPC, and how its requests come and go."""

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
    """One bidirectional stream: an answer to each request and one to the half-close."""

    failure: RequestError | None

    def answer(self, data: bytes) -> bytes:
        """Returns the response to a request, or raises RequestError."""

    def finish(self) -> bytes:
        """Returns the response to the half-close."""

    def close(self) -> None:
        """Gives back what the stream holds, however it ended."""


# RPCs that cost what their request has of bytes.
_UNARY: Final[dict[str, Callable[[HarmonyService, bytes], bytes]]] = {
    "GetEncoding": HarmonyService.get_encoding,
    "GetRenderCacheStatistics": HarmonyService.get_render_cache_statistics,
    "Render": HarmonyService.render,
    "ParseMessages": HarmonyService.parse_messages,
    "Encode": HarmonyService.encode,
    "Decode": HarmonyService.decode,
}
# RPCs that cost what their conversation has of new messages.
_CONVERSATIONS: Final[dict[str, Callable[[HarmonyService, bytes], PreparedWork[bytes]]]] = {
    "RenderConversation": HarmonyService.render_conversation,
    "RenderConversationForCompletion": HarmonyService.render_conversation_for_completion,
    "RenderConversationForTraining": HarmonyService.render_conversation_for_training,
}
_STREAMS: Final[dict[str, Callable[[Operations], Stream]]] = {
    "Parse": ParseStream,
    "ParseBatch": BatchStream,
}


def _check(unary: Mapping[str, object], streams: Mapping[str, object]) -> None:
    """Raises TypeError unless every RPC of the contract has one handler, of its kind."""
    for streaming, handled in ((False, unary), (True, streams)):
        declared = {name for name, method in METHODS.items() if method.streaming == streaming}
        if wrong := declared ^ handled.keys():
            raise TypeError(f"not both in the contract and among the handlers: {sorted(wrong)}")


# A method without a handler fails here, not at its first caller.
_check({**_UNARY, **_CONVERSATIONS}, _STREAMS)


class Handlers:
    """The method handlers of harmony.v1.HarmonyService.

    A request that arrives before `start` was called waits for it, within its deadline.

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
        """Begins to serve."""
        self._service = HarmonyService(operations)
        self._started.set()

    async def end_idle_streams(self) -> None:
        """Ends, for as long as it runs, the streams that their clients forgot."""
        if self._limits.stream_idle_seconds:
            await self.streams.end_idle(self._limits.stream_idle_seconds)

    def close(self) -> None:
        """Gives the threads back."""
        self._offloader.close()

    def generic_handler(self, observers: Sequence[Observer] = ()) -> grpc.GenericRpcHandler:
        """Returns what `grpc.aio.Server.add_generic_rpc_handlers` takes."""
        handlers = {
            **{name: self._handle_unary(method) for name, method in _UNARY.items()},
            **{name: self._handle_conversation(method) for name, method in _CONVERSATIONS.items()},
            **{name: self._handle_stream(open_stream) for name, open_stream in _STREAMS.items()},
        }
        seen = {
            name: observed(METHODS[name], handler, observers) for name, handler in handlers.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE_NAME, seen)

    def _handle_unary(
        self, method: Callable[[HarmonyService, bytes], bytes]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        def answer(data: bytes) -> bytes:
            return method(self._service, data)

        async def serve(data: bytes) -> bytes:
            return await self._offloader.do_request(functools.partial(answer, data), len(data))

        return self._guard_unary(serve)

    def _handle_conversation(
        self, method: Callable[[HarmonyService, bytes], PreparedWork[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(data: bytes) -> bytes:
            return await self._offloader.do_prepared_request(
                functools.partial(method, self._service, data), len(data)
            )

        return self._guard_unary(serve)

    def _guard_unary(
        self, serve: Callable[[bytes], Awaitable[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def handle(data: bytes, context: _Context) -> bytes:
            async with Guard(context):
                self._limits.check_bytes(len(data))
                await self._started.wait()
                return await serve(data)

        return grpc.unary_unary_rpc_method_handler(handle)

    def _handle_stream(
        self, open_stream: Callable[[Operations], Stream]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(context: _Context, stream: Stream, place: OpenStream) -> None:
            # Reading, answering and writing in turn is back-pressure: nothing piles up here.
            while not isinstance(data := await context.read(), EndOfStream):
                self._limits.check_bytes(len(data))
                if len(data) <= bounds.MAX_INLINE_STREAM_BYTES:
                    answer = stream.answer(data)
                else:
                    place.busy = True
                    answer = await self._offloader.do_in_thread(
                        functools.partial(stream.answer, data), len(data)
                    )
                    place.busy = False
                place.idle_ticks = 0
                await context.write(answer)
                if stream.failure:
                    raise stream.failure
            await context.write(stream.finish())
            if stream.failure:
                raise stream.failure

        # Every coroutine, generator and context manager around a stream takes memory for as long as
        # it is open.
        async def handle(_requests: object, context: _Context) -> None:
            async with Guard(context):
                self._limits.streams.take()
                # Release the slot when the stream has ended, not when it was told to: a client that
                # does not read can take long.
                try:
                    async with self.streams.registered(context) as place:
                        await self._started.wait()
                        stream = open_stream(self._service.operations)
                        try:
                            await serve(context, stream, place)
                        finally:
                            stream.close()
                finally:
                    self._limits.streams.give_back()

        return grpc.stream_stream_rpc_method_handler(handle)
