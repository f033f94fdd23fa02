"""Watches RPCs from their start to their status."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import grpc

if TYPE_CHECKING:
    _Handler = grpc.RpcMethodHandler[Any, Any]
    _Context = grpc.aio.ServicerContext[Any, Any]


class Rpc:
    """A call of a method of the service.

    Attributes:
        service: `harmony.v1.HarmonyService`.
        method: `Render`.
        streaming: Whether it is a stream.
        metadata: What the client sent along.
        peer: The client's address, as gRPC writes it.
        seconds: How long it took; 0 until it ended.
        code: How it ended.
    """

    __slots__ = ("code", "metadata", "method", "peer", "seconds", "service", "streaming")

    def __init__(
        self,
        path: str,
        *,
        streaming: bool,
        metadata: Sequence[tuple[str, str | bytes]],
        peer: str,
    ) -> None:
        _, self.service, self.method = path.split("/")
        self.streaming = streaming
        self.metadata = metadata
        self.peer = peer
        self.seconds = 0.0
        self.code = grpc.StatusCode.OK


class Observer(Protocol):
    """Sees every RPC of the service."""

    def begin(self, rpc: Rpc) -> Callable[[], None] | None:
        """Sees an RPC begin; what it returns is called when the RPC ended."""


class Observation(grpc.aio.ServerInterceptor):
    """Shows the RPCs of one service to observers, refused ones included."""

    def __init__(self, service: str, observers: Sequence[Observer]) -> None:
        self._prefix = f"/{service}/"
        self._observers = observers

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        """Returns the RPC's handler, observed."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(self._prefix):
            return handler
        streaming = handler.stream_stream is not None
        # The service has methods of these kinds alone; the types know no asyncio.
        behavior = cast(
            "Callable[[Any, _Context], Awaitable[Any]]",
            handler.stream_stream or handler.unary_unary,
        )

        async def observed(request: Any, context: _Context) -> Any:
            rpc = Rpc(
                handler_call_details.method,
                streaming=streaming,
                metadata=handler_call_details.invocation_metadata or (),
                peer=context.peer(),
            )
            return await self._observe(rpc, behavior(request, context), context)

        if streaming:
            return grpc.stream_stream_rpc_method_handler(observed)
        return grpc.unary_unary_rpc_method_handler(observed)

    async def _observe(self, rpc: Rpc, work: Awaitable[Any], context: _Context) -> Any:
        ends = [end for observer in self._observers if (end := observer.begin(rpc))]
        began = time.perf_counter()
        try:
            return await work
        except asyncio.CancelledError:
            late = context.time_remaining() == 0
            rpc.code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
            raise
        except BaseException:
            code = context.code()
            rpc.code = code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN
            raise
        finally:
            rpc.seconds = time.perf_counter() - began
            for end in ends:
                end()
