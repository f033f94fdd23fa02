"""gRPC handlers of the service: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from harmony_client.v1 import service_pb2 as pb

from .. import bounds
from ..contract.methods import METHODS, SERVICE_NAME
from ..contract.requests import read_request
from ..operations.errors import RequestError
from ..operations.limits import Limits
from ..operations.offloading import Offloader, PreparedWork
from ..service.batch_stream import BatchStream
from ..service.parse_stream import ParseStream
from ..service.unary import HarmonyService
from ..telemetry.rpcs import Observer, observed
from .guard import Guard
from .open_streams import Activity, OpenStreams

_Request = TypeVar("_Request", bound=Message)
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

    def start(self, service: HarmonyService) -> None:
        """Begins to serve."""
        self._service = service
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
        service = HarmonyService
        methods = {
            "GetEncoding": self._message(pb.GetEncodingRequest, service.get_encoding),
            "GetRenderCacheStatistics": self._message(
                pb.GetRenderCacheStatisticsRequest, service.get_render_cache_statistics
            ),
            "Render": self._bytes(service.render),
            "RenderConversation": self._conversation(service.render_conversation),
            "RenderConversationForCompletion": self._conversation(
                service.render_conversation_for_completion
            ),
            "RenderConversationForTraining": self._conversation(
                service.render_conversation_for_training
            ),
            "ParseMessages": self._bytes(service.parse_messages),
            "Encode": self._bytes(service.encode),
            "Decode": self._message(pb.DecodeRequest, service.decode),
            "Parse": self._stream(ParseStream),
            "ParseBatch": self._stream(BatchStream),
        }
        seen = {name: observed(METHODS[name], it, observers) for name, it in methods.items()}
        return grpc.method_handlers_generic_handler(SERVICE_NAME, seen)

    def _message(
        self,
        request_type: type[_Request],
        method: Callable[[HarmonyService, _Request], Message],
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Returns the handler of a unary RPC whose method takes and returns a message."""

        def answer(service: HarmonyService, data: bytes) -> bytes:
            return method(service, read_request(request_type, data)).SerializeToString()

        return self._bytes(answer)

    def _bytes(
        self, method: Callable[[HarmonyService, bytes], bytes]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Returns the handler of a unary RPC whose method takes and returns bytes."""

        def answer(data: bytes) -> bytes:
            return method(self._service, data)

        async def serve(data: bytes) -> bytes:
            return await self._offloader.do_request(lambda: answer(data), len(data))

        return self._unary(serve)

    def _conversation(
        self, method: Callable[[HarmonyService, bytes], PreparedWork[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Returns the handler of an RPC that costs what its conversation has of new messages."""

        async def serve(data: bytes) -> bytes:
            return await self._offloader.do_prepared_request(
                lambda: method(self._service, data), len(data)
            )

        return self._unary(serve)

    def _unary(
        self, serve: Callable[[bytes], Awaitable[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def handle(data: bytes, context: _Context) -> bytes:
            async with Guard(context):
                self._limits.check_bytes(len(data))
                await self._started.wait()
                return await serve(data)

        return grpc.unary_unary_rpc_method_handler(handle)

    def _stream(
        self, open_stream: Callable[[HarmonyService], Stream]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def serve(context: _Context, stream: Stream, activity: Activity) -> None:
            # Reading, answering and writing in turn is back-pressure: nothing piles up here.
            while not isinstance(data := await context.read(), EndOfStream):
                self._limits.check_bytes(len(data))
                if len(data) <= bounds.MAX_INLINE_STREAM_BYTES:
                    answer = stream.answer(data)
                else:
                    activity.busy = True
                    answer = await self._offloader.do_in_thread(
                        functools.partial(stream.answer, data), len(data)
                    )
                    activity.busy = False
                activity.looks = 0
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
                # The place is given back when the stream is gone, and not when it is to end: with a
                # client that does not read there is long between.
                try:
                    async with self.streams.containing(context) as activity:
                        await self._started.wait()
                        stream = open_stream(self._service)
                        try:
                            await serve(context, stream, activity)
                        finally:
                            stream.close()
                finally:
                    self._limits.streams.give_back()

        return grpc.stream_stream_rpc_method_handler(handle)
