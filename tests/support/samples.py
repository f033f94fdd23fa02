"""What a metrics port answers."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Samples:
    """One scrape.

    Attributes:
        text: What the server sent.
        families: The metrics, by name; a counter's is without `_total`.
    """

    text: str
    families: dict[str, Metric]

    @classmethod
    def scrape(cls, address: str) -> Samples:
        """Asks for the metrics."""
        url = f"http://{address}/metrics"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
            text = answer.read().decode()
        return cls(text, {family.name: family for family in text_string_to_metric_families(text)})

    def sum(self, name: str, **labels: str) -> float:
        """Returns the sum of the samples of that name which have these labels.

        Raises:
            KeyError: There is none.
        """
        found = [
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        if not found:
            raise KeyError(f"{name} {labels}")
        return sum(found)

    def rpcs(self, method: str) -> dict[str, float]:
        """Returns how many RPCs of a method ended, by code; only codes that there were."""
        return {
            sample.labels["grpc_code"]: sample.value
            for sample in self.families["grpc_server_handled"].samples
            if sample.labels["grpc_method"] == method and sample.value
        }
