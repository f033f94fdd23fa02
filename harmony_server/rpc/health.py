"""The standard health service, grpc.health.v1."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from ..contract.requests import read_request
from ..operations.errors import Reason, RequestError
from ..operations.limits import Limits
from .guard import Guard
from .open_streams import OpenStreams

_Context = grpc.aio.ServicerContext[Any, Any]
_Response = health_pb2.HealthCheckResponse

# Each of Kubernetes' three probes asks about a service. Liveness is SERVING as soon as the process
# answers, the others once it is ready to render.
LIVENESS_SERVICE = "liveness"
_READINESS_SERVICES = ("", "readiness", "startup")


class Health:
    """Reports the state of the server: at first alive, but not ready.

    With the servicer of grpcio-health-checking, a client that does not read its watch would block
    all other watches and the drain, and a malformed request would be an unexpected error.

    Args:
        limits: Limits the open watches.
        services: The names of the server's services.

    Attributes:
        watches: The open watches.
    """

    def __init__(self, limits: Limits, services: Iterable[str]) -> None:
        self._limits = limits
        self._readiness_services = (*_READINESS_SERVICES, *services)
        self._states: dict[str, int] = dict.fromkeys(
            self._readiness_services, _Response.NOT_SERVING
        )
        self._states[LIVENESS_SERVICE] = _Response.SERVING
        # Replaced by a new event and then set when a state changes.
        self._changed = asyncio.Event()
        self.watches = OpenStreams()

    def become_ready(self) -> None:
        """Reports the server as ready."""
        self._set_readiness(_Response.SERVING)

    def begin_drain(self) -> None:
        """Reports the server as not ready, but still alive."""
        self._set_readiness(_Response.NOT_SERVING)

    def build_generic_handler(self) -> grpc.GenericRpcHandler:
        """Returns the handler for `grpc.aio.Server.add_generic_rpc_handlers`."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Check": grpc.unary_unary_rpc_method_handler(self._handle_check),
            "Watch": grpc.unary_stream_rpc_method_handler(self._handle_watch),
        }
        return grpc.method_handlers_generic_handler(health.SERVICE_NAME, methods)

    async def _handle_check(self, data: bytes, context: _Context) -> bytes:
        async with Guard(context):
            state = self._states.get(_read_service(data))
            if state is None:
                raise RequestError(Reason.SERVICE_UNKNOWN, "unknown service")
            return _Response(status=state).SerializeToString()

    async def _handle_watch(self, data: bytes, context: _Context) -> None:
        async with Guard(context):
            with self._limits.health_watches.holding():
                async with self.watches.registered(context):
                    await self._watch(data, context)

    async def _watch(self, data: bytes, context: _Context) -> None:
        service = _read_service(data)
        reported = None
        while True:
            changed = self._changed
            state = self._states.get(service, _Response.SERVICE_UNKNOWN)
            if state != reported:
                await context.write(_Response(status=state).SerializeToString())
                reported = state
            await changed.wait()

    def _set_readiness(self, state: int) -> None:
        self._states.update(dict.fromkeys(self._readiness_services, state))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _read_service(data: bytes) -> str:
    return read_request(health_pb2.HealthCheckRequest, data).service
