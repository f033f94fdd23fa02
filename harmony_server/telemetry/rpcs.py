"""Watches RPCs from their start to their status."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import grpc

from .. import bounds
from ..contract.methods import Method

if TYPE_CHECKING:
    _Handler = grpc.RpcMethodHandler[Any, Any]
    _Context = grpc.aio.ServicerContext[Any, Any]

_REQUEST_ID_KEY = "x-request-id"

# A client tells neither that its deadline passed nor its exact deadline, which gRPC rounds up by
# at most a hundredth: what ends so near to it, deadline and way from the client, is that.
_DEADLINE_SHARE = 0.01
_DEADLINE_SECONDS = 0.02


class Rpc:
    """A call of a method.

    Attributes:
        method: The method.
        seconds: How long it took; 0 until it ended.
        code: How it ended.
    """

    __slots__ = ("_context", "_request_id", "code", "method", "seconds")

    def __init__(self, method: Method, context: _Context) -> None:
        self.method = method
        self.seconds = 0.0
        self.code = grpc.StatusCode.OK
        self._context = context
        self._request_id: str | None = None

    @property
    def metadata(self) -> Iterable[tuple[str, str | bytes]]:
        """What the client sent along."""
        return self._context.invocation_metadata() or ()

    @property
    def peer(self) -> str:
        """The client's address, as gRPC writes it."""
        return self._context.peer()

    @property
    def request_id(self) -> str:
        """What the client calls it, or a new name: made when it is asked for, which is rare."""
        if self._request_id is None:
            self._request_id = self._request_id_of_client() or uuid.uuid4().hex
        return self._request_id

    def _request_id_of_client(self) -> str:
        for key, value in self.metadata:
            # What a client sends must not forge a line or fill the disk.
            if key == _REQUEST_ID_KEY and isinstance(value, str) and value.isprintable():
                return value[: bounds.MAX_REQUEST_ID_LENGTH]
        return ""


class Observer(Protocol):
    """Sees every RPC of the service."""

    def begin(self, rpc: Rpc) -> Callable[[], None] | None:
        """Sees an RPC begin; what it returns is called when the RPC ended."""


def observed(method: Method, handler: _Handler, observers: Sequence[Observer]) -> _Handler:
    """Returns the handler of a method, or one that refuses it, shown to observers.

    A wrapper and no interceptor, which would cost a small RPC a tenth more.
    """
    # There are handlers of these kinds alone; the types know no asyncio.
    serve = cast(
        "Callable[[Any, _Context], Awaitable[Any]]", handler.stream_stream or handler.unary_unary
    )

    async def observe(request: Any, context: _Context) -> Any:
        rpc = Rpc(method, context)
        ends = [end for observer in observers if (end := observer.begin(rpc))]
        began = time.perf_counter()
        try:
            return await serve(request, context)
        except asyncio.CancelledError:
            rpc.code = _code_of_cancelled(context, time.perf_counter() - began)
            raise
        except BaseException:
            code = context.code()
            rpc.code = code if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN
            raise
        finally:
            rpc.seconds = time.perf_counter() - began
            for end in ends:
                end()

    # The kind is that of the handler: one that refuses is a stream, whatever the method.
    if handler.stream_stream:
        return grpc.stream_stream_rpc_method_handler(observe)
    return grpc.unary_unary_rpc_method_handler(observe)


def _code_of_cancelled(context: _Context, elapsed: float) -> grpc.StatusCode:
    remaining = context.time_remaining()
    if remaining is not None:
        slack = _DEADLINE_SECONDS + _DEADLINE_SHARE * (elapsed + remaining)
        if remaining <= slack:
            return grpc.StatusCode.DEADLINE_EXCEEDED
    return grpc.StatusCode.CANCELLED
