"""The metrics of one process, in Prometheus' terms."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from ..version import __version__
from .rpcs import Rpc

if TYPE_CHECKING:
    from ..limits import Allowance, Limits
    from ..service import HarmonyService

# The names and labels of the grpc_server_* metrics are those of the gRPC middlewares of Go and
# Java, which dashboards know.
_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10, 60)
_LAG_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class Metrics:
    """The metrics of a server: an observer of its RPCs, and what is read when they are asked for.

    Attributes:
        registry: Where Prometheus' client finds them.
    """

    def __init__(self, limits: Limits) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._started = Counter(
            "grpc_server_started", "RPCs that began.", _LABELS, registry=self.registry
        )
        self._handled = Counter(
            "grpc_server_handled",
            "RPCs that ended, by status code.",
            (*_LABELS, "grpc_code"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "How long RPCs took; a stream's whole life.",
            _LABELS,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._lag = Histogram(
            "harmony_event_loop_lag_seconds",
            "How late the event loop ran what was due, several times a second.",
            buckets=_LAG_SECONDS,
            registry=self.registry,
        )
        for name, text, read in (
            ("streams_open", "Open Parse and ParseBatch streams.", limits.streams),
            ("sequences_open", "Open sequences of all ParseBatch streams.", limits.sequences),
            ("renders_open", "Large unary requests at work or waiting for one.", limits.renders),
        ):
            gauge = Gauge(f"harmony_{name}", text, registry=self.registry)
            gauge.set_function(functools.partial(_taken, read))

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Counts an RPC and, when it ended, how and how long."""
        labels = ("bidi_stream" if rpc.streaming else "unary", rpc.service, rpc.method)
        self._started.labels(*labels).inc()

        def end() -> None:
            self._handled.labels(*labels, rpc.code.name).inc()
            self._seconds.labels(*labels).observe(rpc.seconds)

        return end

    def note_lag(self, seconds: float) -> None:
        """Takes a measurement of the event loop's lag."""
        self._lag.observe(seconds)

    def add_service(self, service: HarmonyService) -> None:
        """Adds what the service counts."""
        self.registry.register(_ServiceCollector(service))


def _taken(allowance: Allowance) -> float:
    return allowance.taken


class _ServiceCollector(Collector):
    def __init__(self, service: HarmonyService) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        """Reads the counters of the service and of its cache."""
        counters = self._service.counters
        cache = self._service.cache_statistics
        yield InfoMetricFamily("harmony_server", "The server.", value={"version": __version__})
        for name, text, total in (
            ("rendered_tokens", "Tokens that were rendered.", counters.rendered_tokens),
            ("parsed_tokens", "Tokens that were parsed.", counters.parsed_tokens),
            ("render_cache_hits", "Messages that the render cache had.", cache.hits),
            ("render_cache_misses", "Messages that it did not have.", cache.misses),
        ):
            yield CounterMetricFamily(f"harmony_{name}", text, value=total)
        for name, text, size in (
            ("entries", "Messages in the render cache.", cache.entries),
            ("bytes", "Their size.", cache.bytes),
            ("max_bytes", "What their size may be.", cache.max_bytes),
        ):
            yield GaugeMetricFamily(f"harmony_render_cache_{name}", text, value=size)
        repairs = CounterMetricFamily(
            "harmony_recoveries", "Repairs of malformed output, by reason.", labels=["reason"]
        )
        for reason, count in list(counters.repairs.items()):
            repairs.add_metric([reason], count)
        yield repairs
