"""The Grafana dashboard as shipped."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.tools import ROOT

PATH = ROOT / "deploy" / "grafana" / "harmony-sidecar.json"

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)[^}]*\}")


@dataclass(frozen=True)
class Query:
    """A query of a panel.

    Attributes:
        panel: The panel's title.
        text: The query, with Grafana's variables.
        legend: The names of its series.
    """

    panel: str
    text: str
    legend: str

    def expression(self, **values: str) -> str:
        """Returns the query with its variables replaced by values."""
        return replace_variables(self.text, values)


def load() -> dict[str, Any]:
    """Returns the dashboard."""
    dashboard: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return dashboard


def queries() -> list[Query]:
    """Returns the queries of all panels."""
    return [
        Query(panel["title"], target["expr"], target["legendFormat"])
        for panel in load()["panels"]
        for target in panel.get("targets", ())
    ]


def variables() -> dict[str, dict[str, Any]]:
    """Returns the dashboard's variables by name."""
    return {variable["name"]: variable for variable in load()["templating"]["list"]}


def names_of_variables(text: str) -> set[str]:
    """Returns the names of the variables in a text."""
    return {plain or braced for plain, braced in _VARIABLE.findall(text)}


def replace_variables(text: str, values: Mapping[str, str]) -> str:
    """Returns a text with its variables replaced; every variable must have a value."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], text)
