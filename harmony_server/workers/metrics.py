"""The metrics of all workers, each sample with the label `worker`, served by the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ..telemetry.metrics_port import Admit, serve_metrics


class WorkersCollector(Collector):
    """Collects metrics from the workers on each scrape.

    Args:
        configured: The number of workers in the settings.
        collect_workers: Returns the metric families of each worker that replies, by its number.
        count_restarts: Returns how often workers have been restarted.
    """

    def __init__(
        self,
        configured: int,
        collect_workers: Callable[[], Mapping[int, Iterable[Metric]]],
        count_restarts: Callable[[], int],
    ) -> None:
        self._configured = configured
        self._collect_workers = collect_workers
        self._count_restarts = count_restarts

    def collect(self) -> Iterable[Metric]:
        """Yields each family once, with all workers' samples, then the supervisor's own metrics."""
        families: dict[str, Metric] = {}
        workers = self._collect_workers()
        for worker, families_of_worker in workers.items():
            for family in families_of_worker:
                merged = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type, family.unit)
                )
                for sample in family.samples:
                    labels = {**sample.labels, "worker": str(worker)}
                    merged.samples.append(sample._replace(labels=labels))
        yield from families.values()
        yield GaugeMetricFamily("harmony_workers", "Workers that answer.", value=len(workers))
        yield GaugeMetricFamily(
            "harmony_workers_configured",
            "Workers configured.",
            value=self._configured,
        )
        restarts = Metric("harmony_worker_restarts", "Restarts of workers.", "counter")
        restarts.add_sample("harmony_worker_restarts_total", {}, self._count_restarts())
        yield restarts

    def serve(self, address: str, admit: Admit | None = None) -> str:
        """Serves the metrics; arguments, result and errors are those of `serve_metrics`."""
        registry = CollectorRegistry()
        registry.register(self)
        return serve_metrics(address, registry, admit)
