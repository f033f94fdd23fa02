"""The metrics of one process, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import grpc
import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from ..contract.methods import Method
from ..version import __version__
from .figures import LAG_SECONDS, RPC_SECONDS, Figure
from .metrics_port import Admit, serve_metrics
from .rpcs import Rpc

# The gRPC middlewares of Go and Java use the same names and labels, so dashboards know them.
_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}


class Metrics:
    """The metrics of one server. Observes its RPCs, and reads everything else on each scrape.

    Args:
        methods: The RPCs of the server's services.

    Attributes:
        registry: The registry that has them all.
    """

    def __init__(self, methods: Iterable[Method]) -> None:
        # They would double the number of series, and only OpenMetrics uses them.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # has no types
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(_InfoCollector())
        started = Counter("grpc_server_started", "RPCs started.", _LABELS, registry=self.registry)
        handled = Counter(
            "grpc_server_handled",
            "RPCs completed, by status code.",
            (*_LABELS, "grpc_code"),
            registry=self.registry,
        )
        seconds = Histogram(
            "grpc_server_handling_seconds",
            "Duration of RPCs in the server; for streams, their lifetime.",
            _LABELS,
            buckets=RPC_SECONDS,
            registry=self.registry,
        )
        self._lag = Histogram(
            "harmony_event_loop_lag_seconds",
            "How late the event loop runs scheduled work, sampled several times a second.",
            buckets=LAG_SECONDS,
            registry=self.registry,
        )
        # Creates every series now: rate() misses the first increment of a series that appears.
        labels = {method: _labels(method) for method in methods}
        self._started = {method: started.labels(*values) for method, values in labels.items()}
        self._seconds = {method: seconds.labels(*values) for method, values in labels.items()}
        self._handled = {
            (method, code): handled.labels(*values, code.name)
            for method, values in labels.items()
            for code in grpc.StatusCode
        }

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Counts a started RPC; the result counts its status code and duration."""
        self._started[rpc.method].inc()

        def end() -> None:
            self._handled[rpc.method, rpc.code].inc()
            self._seconds[rpc.method].observe(rpc.seconds)

        return end

    def record_lag(self, seconds: float) -> None:
        """Records a measurement of the event loop's lag."""
        self._lag.observe(seconds)

    def add_figures(self, figures: Iterable[Figure]) -> None:
        """Reports these figures, too, from now on."""
        self.registry.register(_FigureCollector(list(figures)))

    def serve(self, address: str, admit: Admit | None = None) -> str:
        """Serves the metrics; arguments, result and errors are those of `serve_metrics`."""
        return serve_metrics(address, self.registry, admit)


class _InfoCollector(Collector):
    def collect(self) -> Iterable[Metric]:
        """Yields the version of the server."""
        yield InfoMetricFamily(
            "harmony_server", "Always 1; the version of the server.", value={"version": __version__}
        )


class _FigureCollector(Collector):
    def __init__(self, figures: list[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """Reads the figures."""
        for figure in self._figures:
            labels = [figure.label] if figure.label else []
            family = _FAMILIES[figure.kind](figure.name, figure.description, labels=labels)
            for value, number in figure.read().items():
                family.add_metric([value] if figure.label else [], number)
            yield family


def _labels(method: Method) -> tuple[str, str, str]:
    return ("bidi_stream" if method.streaming else "unary", method.service, method.name)
