"""What the server tells of itself: logs, metrics, traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import Settings
from . import event_loop_lag
from .figures import figures_of
from .logs import RpcLog
from .rpcs import Observer

if TYPE_CHECKING:
    from ..operations.operations import Operations
    from .metrics import Metrics
    from .otel import OpenTelemetry


class Telemetry:
    """What the settings ask for of a process that serves.

    Attributes:
        observers: What sees the RPCs.
        metrics: The metrics for Prometheus; None where nobody asks for them.

    Raises:
        ImportError: OpenTelemetry is asked for, and not installed.
        ValueError: It is asked for what it does not have.
    """

    def __init__(self, settings: Settings) -> None:
        self.observers: list[Observer] = [RpcLog()]
        self.metrics: Metrics | None = None
        self._opentelemetry: OpenTelemetry | None = None
        # Their libraries take long to load.
        if settings.metrics_listen is not None:
            from .metrics import Metrics

            self.metrics = Metrics()
            self.observers.append(self.metrics)
        if settings.opentelemetry:
            from .otel import OpenTelemetry

            self._opentelemetry = OpenTelemetry()
            self.observers.append(self._opentelemetry)

    def add_operations(self, operations: Operations) -> None:
        """Adds what the operations count."""
        for reporter in self._reporters():
            reporter.add_figures(figures_of(operations))

    async def watch_event_loop(self) -> None:
        """Measures the lag of the event loop for as long as it runs."""
        if reporters := self._reporters():
            await event_loop_lag.watch([reporter.note_lag for reporter in reporters])

    def shut_down(self) -> None:
        """Exports what was not yet exported."""
        if self._opentelemetry is not None:
            self._opentelemetry.shut_down()

    def _reporters(self) -> list[Metrics | OpenTelemetry]:
        return [it for it in (self.metrics, self._opentelemetry) if it is not None]
