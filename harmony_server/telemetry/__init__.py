"""What the server tells of itself: logs, metrics, traces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import prometheus_client

from ..addresses import Address
from ..settings import Settings
from . import event_loop_lag
from .logs import RpcLog
from .metrics import Metrics
from .rpcs import Observer
from .traces import OpenTelemetry

if TYPE_CHECKING:
    from ..limits import Limits
    from ..service import HarmonyService


class Telemetry:
    """What the settings ask for of a process that serves.

    Attributes:
        observers: What sees the RPCs.
        metrics: The metrics; None where nobody asks for them.

    Raises:
        ImportError: OpenTelemetry is asked for, and not installed.
    """

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self.observers: list[Observer] = [RpcLog()]
        self.metrics: Metrics | None = None
        self._opentelemetry: OpenTelemetry | None = None
        if settings.metrics_listen is not None or settings.opentelemetry:
            self.metrics = Metrics(limits)
            self.observers.append(self.metrics)
        if settings.opentelemetry:
            self._opentelemetry = OpenTelemetry()
            self.observers.append(self._opentelemetry)

    def add_service(self, service: HarmonyService) -> None:
        """Adds what the service counts."""
        if self.metrics is not None:
            self.metrics.add_service(service)
            if self._opentelemetry is not None:
                self._opentelemetry.add_registry(self.metrics.registry)

    async def watch_event_loop(self) -> None:
        """Measures the lag of the event loop for as long as it runs."""
        if self.metrics is not None:
            await event_loop_lag.watch(self.metrics.note_lag)

    async def shut_down(self) -> None:
        """Exports what was not yet exported."""
        if self._opentelemetry is not None:
            await asyncio.to_thread(self._opentelemetry.shut_down)


def serve_metrics(address: str, registry: prometheus_client.CollectorRegistry) -> str:
    """Serves metrics over HTTP until the process ends; returns the address with its port.

    Raises:
        OSError: The address is in use, or not allowed.
    """
    host, _, port = address.rpartition(":")
    try:
        server, _ = prometheus_client.start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise OSError(f"cannot listen on {address}: {error.strerror}") from None
    return Address.parse(address).with_port(server.server_port)
