"""Logs, metrics and traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract.methods import methods_offered
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
    """The telemetry of one serving process, as the settings configure it.

    Attributes:
        observers: The observers to show every RPC to.
        metrics: The metrics for Prometheus; None if `metrics_listen` is unset.

    Raises:
        ImportError: The settings turn OpenTelemetry on, but it is not installed.
        ValueError: The OTEL_… variables name something that is not available.
    """

    def __init__(self, settings: Settings) -> None:
        self.observers: list[Observer] = [RpcLog()]
        self.metrics: Metrics | None = None
        self._opentelemetry: OpenTelemetry | None = None
        # Imported here because their libraries are slow to load.
        if settings.metrics_listen is not None:
            from .metrics import Metrics

            self.metrics = Metrics(methods_offered(openai=settings.openai))
            self.observers.append(self.metrics)
        if settings.opentelemetry:
            from .otel import OpenTelemetry

            self._opentelemetry = OpenTelemetry()
            self.observers.append(self._opentelemetry)

    def add_operations(self, operations: Operations) -> None:
        """Reports the metrics of the operations from now on."""
        for reporter in self._reporters():
            reporter.add_figures(figures_of(operations))

    async def watch_event_loop(self) -> None:
        """Measures the event loop's lag until cancelled; returns at once if nothing reports it."""
        if reporters := self._reporters():
            await event_loop_lag.watch([reporter.record_lag for reporter in reporters])

    def shut_down(self) -> None:
        """Exports what has not been exported yet, for at most 3 s."""
        if self._opentelemetry is not None:
            self._opentelemetry.shut_down()

    def _reporters(self) -> list[Metrics | OpenTelemetry]:
        return [
            reporter for reporter in (self.metrics, self._opentelemetry) if reporter is not None
        ]
