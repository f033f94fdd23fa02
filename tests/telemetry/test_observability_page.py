"""docs/observability.md matches real servers."""

from __future__ import annotations

import json
import queue
import re

import grpc
import pytest
from prometheus_client.metrics_core import Metric

from devtools.collector import running_collector
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.documents import blocks, document, section
from tests.support.failures import failure_of
from tests.support.observed_servers import observed_server
from tests.support.samples import Samples
from tests.support.waiting import eventually
from tests.telemetry.test_alerts import rules

_PAGE = document("observability.md")
_OWN = ("harmony_", "grpc_")


def _rows(heading: str) -> list[list[str]]:
    """Returns the cells of the tables below a heading, without the header rows."""
    lines = [line for line in section(_PAGE, heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0].startswith("`")]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _documented(heading: str, *more_labels: str) -> dict[str, tuple[str, set[str]]]:
    """Returns the type and labels of each metric in a table, by name."""
    return {
        _names(name)[0]: (kind, {*_names(labels), *more_labels})
        for name, kind, labels, _unit, _what in _rows(heading)
    }


def _served(samples: Samples) -> dict[str, tuple[str, set[str]]]:
    return {
        _name(family): (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in samples.families.values()
    }


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_the_metrics_are_documented() -> None:
    """The table lists every metric with its type, labels and, for our own, help text."""
    with observed_server() as server:
        samples = server.samples()
    assert _documented("Metrics") == _served(samples)
    texts = {_names(row[0])[0]: row[4] for row in _rows("Metrics")}
    for family in samples.families.values():
        if family.name.startswith(_OWN):
            assert texts[_name(family)] == family.documentation
    count = sum(len(family.samples) for family in samples.families.values())
    (about,) = re.findall(r"a process has about (\d+)", _PAGE)
    assert count == pytest.approx(int(about), rel=0.05)


def test_the_metrics_of_workers_are_documented() -> None:
    """With workers each metric has the label `worker`, and the second table's are added."""
    with observed_server("--workers", "2") as server:
        samples = server.samples()
    assert {**_documented("Metrics", "worker"), **_documented("With workers")} == _served(samples)
    for row in _rows("With workers"):
        (family,) = [
            family for family in samples.families.values() if _name(family) == _names(row[0])[0]
        ]
        assert row[4] == family.documentation


def test_names_end_with_units() -> None:
    """A metric's name ends with its unit if, and only if, that is seconds or bytes."""
    for row in [*_rows("Metrics"), *_rows("With workers")]:
        (name,) = _names(row[0])
        words = name.removesuffix("_total").split("_")
        expected = words[-1] if words[-1] in {"seconds", "bytes"} else None
        assert (row[3] if row[3] in {"seconds", "bytes"} else None) == expected, name


def test_every_alert_is_documented() -> None:
    """The table lists the alerts in the order of the rules, with their waiting times."""
    rows = _rows("Alerts")
    assert [_names(row[0]) for row in rows] == [[rule["alert"]] for rule in rules()]
    for row, rule in zip(rows, rules(), strict=True):
        times = re.findall(r"For (\d+) min", row[1])
        assert [f"{minutes}m" for minutes in times] == ([rule["for"]] if "for" in rule else [])
        assert row[2].endswith(".")


def test_the_attributes_of_spans_are_documented() -> None:
    """The table lists the attributes of successful and of failed spans."""
    with (
        running_collector() as collector,
        observed_server("--opentelemetry", variables=collector.variables) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        stub.Render(service_pb2.RenderRequest(message={"author": {"role": "ROLE_USER"}}))
        requests: queue.SimpleQueue[parse_pb2.ParseRequest | None] = queue.SimpleQueue()
        # A deadline that only the server enforces, so that it sees it pass.
        call = stub.Parse(iter(requests.get, None), metadata=(("grpc-timeout", "500m"),))
        failure_of(lambda: list(call))
        requests.put(None)
        eventually(lambda: len(collector.spans()) == 2)
        spans = collector.spans()
    attributes = {pair.key for span in spans for pair in span.attributes}
    rows = [row for row in _rows("OpenTelemetry") if "." in row[0]]
    assert {_names(row[0])[0] for row in rows} == attributes
    values = {pair.key: pair.value.string_value for pair in spans[0].attributes}
    (method,) = [_names(row[1]) for row in rows if row[0] == "`rpc.method`"]
    assert [values["rpc.method"]] == method == [spans[0].name]


def test_the_fields_of_log_lines_are_documented() -> None:
    """The example has the fields of a real line, and the table explains each."""
    with (
        observed_server("--log-format", "json", "--log-level", "debug") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        HarmonyServiceStub(channel).Encode(service_pb2.EncodeRequest(text="Hello"))
        eventually(lambda: '"rpc"' in server.log())
        (line,) = [entry for entry in server.log_entries() if entry["event"] == "rpc"]
    (example,) = map(json.loads, blocks(section(_PAGE, "Logs"), "json"))
    assert list(example) == list(line)
    same = ("event", "level", "logger", "method", "code")
    assert [example[field] for field in same] == [line[field] for field in same]
    explained = [name for row in _rows("Logs") for name in _names(row[0])]
    # tests/telemetry/test_logs.py checks the two fields of faults.
    assert set(explained) == set(line) | {"error", "where"}
