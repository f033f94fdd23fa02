"""Scrapes of a metrics port."""

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
        text: The response.
        families: The metrics by name, a counter's without `_total`.
    """

    text: str
    families: dict[str, Metric]

    @classmethod
    def scrape(cls, address: str) -> Samples:
        """Scrapes the metrics of an address."""
        url = f"http://{address}/metrics"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            text = response.read().decode()
        return cls(text, {family.name: family for family in text_string_to_metric_families(text)})

    def sum(self, name: str, **labels: str) -> float:
        """Returns the sum of the samples with this name and these labels.

        Raises:
            KeyError: There is no such sample.
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
        """Returns the number of a method's finished RPCs by code, without zeros."""
        return {
            sample.labels["grpc_code"]: sample.value
            for sample in self.families["grpc_server_handled"].samples
            if sample.labels["grpc_method"] == method and sample.value
        }
