"""The standard health service, as this server runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpc_health.v1 import health, health_pb2

from .handlers import SERVICE_NAME
from .open_streams import OpenStreams

if TYPE_CHECKING:
    import grpc

    _WatchContext = grpc.aio.ServicerContext[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ]

# Kubernetes has three probes and asks about a service with each: alive as soon as the process
# answers, ready once it renders.
LIVENESS_SERVICE = "liveness"
_READINESS_SERVICES = ("", SERVICE_NAME, "readiness", "startup")


class HealthServicer(health.aio.HealthServicer):
    """The stock servicer, whose watches can be ended.

    Attributes:
        watches: The open watches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.watches = OpenStreams()

    async def Watch(  # noqa: N802  # the name is that of the RPC
        self,
        request: health_pb2.HealthCheckRequest,
        context: _WatchContext,
    ) -> None:
        """Reports the status of a service, now and whenever it changes."""
        async with self.watches.containing(context):
            await super().Watch(request, context)

    async def start(self) -> None:
        """Says that the process is alive and not ready; the stock servicer starts as SERVING."""
        await self._set_readiness(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self.set(LIVENESS_SERVICE, health_pb2.HealthCheckResponse.SERVING)

    async def become_ready(self) -> None:
        """Says that the server serves."""
        await self._set_readiness(health_pb2.HealthCheckResponse.SERVING)

    async def begin_drain(self) -> None:
        """Says that the server is going: not ready, and still alive."""
        await self._set_readiness(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def _set_readiness(self, status: int) -> None:
        for service in _READINESS_SERVICES:
            await self.set(service, status)
