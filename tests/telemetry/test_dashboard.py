"""The Grafana dashboard can be imported without changes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from tests.support.observed_servers import observed_server
from tests.telemetry import dashboard

_COLUMNS = 24
# Values of Grafana's built-in variables.
_BUILT_IN = {"__rate_interval": "1m"}
_VALUES = {**_BUILT_IN, "job": "harmony-sidecar", "instance": "127.0.0.1:9464"}
_LEGEND_LABEL = re.compile(r"\{\{(\w+)\}\}")


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    """The panels, rows included."""
    found: list[dict[str, Any]] = dashboard.load()["panels"]
    return found


def test_panels_have_unique_ids_and_do_not_overlap(panels: list[dict[str, Any]]) -> None:
    """Panels have unique ids, do not overlap and fill the grid without gaps."""
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids) > 20
    covered = list(itertools.chain.from_iterable(_cells(panel["gridPos"]) for panel in panels))
    assert len(set(covered)) == len(covered)
    assert {column for column, _ in covered} == set(range(_COLUMNS))
    # Grafana would move panels up into a gap and change the layout.
    assert {line for _, line in covered} == set(range(1 + max(line for _, line in covered)))


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    columns = range(place["x"], place["x"] + place["w"])
    return itertools.product(columns, range(place["y"], place["y"] + place["h"]))


def test_the_dashboard_suits_any_installation(panels: list[dict[str, Any]]) -> None:
    """The dashboard has no id of an installation, and its data source is a variable."""
    whole = dashboard.load()
    assert whole["id"] is None
    assert whole["uid"] == "harmony-sidecar"
    assert "__inputs" not in whole
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    shown = [panel for panel in panels if panel["type"] != "row"]
    assert all(panel["datasource"] == chosen for panel in shown)
    assert all(target["datasource"] == chosen for panel in shown for target in panel["targets"])
    variables = dashboard.variables()
    assert list(variables) == ["datasource", "job", "instance"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )


def test_every_panel_is_described(panels: list[dict[str, Any]]) -> None:
    """Every panel has a unique title, a description, a unit, and queries with unique letters."""
    shown = [panel for panel in panels if panel["type"] != "row"]
    titles = [panel["title"] for panel in shown]
    assert len(set(titles)) == len(titles)
    for panel in shown:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["options"] in letters


def test_queries_parse_and_filter_by_every_variable() -> None:
    """Every query is valid PromQL, uses known variables and selects the chosen servers."""
    known = {*dashboard.variables(), *_BUILT_IN}
    for query in dashboard.queries():
        assert dashboard.names_of_variables(query.text) <= known, query
        expression = query.expression(**_VALUES)
        promql_parser.parse(expression)
        selectors = re.findall(r"\w+\{(.*?)\}", query.text)
        assert selectors, query
        for selector in selectors:
            assert selector.startswith('job=~"$job", instance=~"$instance"'), query


def test_queries_use_metrics_and_labels_that_exist() -> None:
    """Queries use metrics that exist, and legends use labels that the query keeps."""
    with observed_server("--workers", "2") as server:
        families = server.samples().families.values()
    labels = {
        sample.name: set(sample.labels) | {"job", "instance"}
        for family in families
        for sample in family.samples
    }
    # Prometheus itself adds `up`.
    labels["up"] = {"job", "instance"}
    for query in dashboard.queries():
        names = set(re.findall(r"(\w+)\{", query.text))
        assert names <= labels.keys(), query
        kept = set.intersection(*(labels[name] for name in names))
        if grouped := re.findall(r"by \(([^)]*)\)", query.text):
            kept = {label.strip() for label in grouped[0].split(",")}
        assert set(_LEGEND_LABEL.findall(query.legend)) <= kept, query
