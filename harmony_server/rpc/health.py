"""The standard health service, grpc.health.v1."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from ..contract.methods import SERVICE_NAME
from ..contract.requests import read_request
from ..operations.limits import Limits
from .guard import Guard
from .open_streams import OpenStreams

_Context = grpc.aio.ServicerContext[Any, Any]
_Response = health_pb2.HealthCheckResponse

# Kubernetes has three probes and asks about a service with each: alive as soon as the process
# answers, ready once it renders.
LIVENESS_SERVICE = "liveness"
_READINESS_SERVICES = ("", SERVICE_NAME, "readiness", "startup")


class Health:
    """The states of this server's services: alive and not ready, until it is said otherwise.

    Not the stock servicer: there a watch whose client does not read holds up all others and the
    drain, and a malformed request is an unexpected error.

    Attributes:
        watches: The open watches.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._states: dict[str, int] = dict.fromkeys(_READINESS_SERVICES, _Response.NOT_SERVING)
        self._states[LIVENESS_SERVICE] = _Response.SERVING
        # Set, and replaced by a new one, when a state changes.
        self._changed = asyncio.Event()
        self.watches = OpenStreams()

    def become_ready(self) -> None:
        """Says that the server serves."""
        self._set_readiness(_Response.SERVING)

    def begin_drain(self) -> None:
        """Says that the server is going: not ready, and still alive."""
        self._set_readiness(_Response.NOT_SERVING)

    def generic_handler(self) -> grpc.GenericRpcHandler:
        """Returns what `grpc.aio.Server.add_generic_rpc_handlers` takes."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Check": grpc.unary_unary_rpc_method_handler(self._handle_check),
            "Watch": grpc.unary_stream_rpc_method_handler(self._handle_watch),
        }
        return grpc.method_handlers_generic_handler(health.SERVICE_NAME, methods)

    async def _handle_check(self, data: bytes, context: _Context) -> bytes:
        async with Guard(context):
            state = self._states.get(_service(data))
            if state is None:
                await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
            return _Response(status=state).SerializeToString()

    async def _handle_watch(self, data: bytes, context: _Context) -> None:
        async with Guard(context):
            with self._limits.health_watches.holding():
                async with self.watches.registered(context):
                    await self._watch(data, context)

    async def _watch(self, data: bytes, context: _Context) -> None:
        service = _service(data)
        told = None
        while True:
            changed = self._changed
            state = self._states.get(service, _Response.SERVICE_UNKNOWN)
            if state != told:
                await context.write(_Response(status=state).SerializeToString())
                told = state
            await changed.wait()

    def _set_readiness(self, state: int) -> None:
        self._states.update(dict.fromkeys(_READINESS_SERVICES, state))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _service(data: bytes) -> str:
    return read_request(health_pb2.HealthCheckRequest, data).service
