"""docs/observability.md says what real servers do."""

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
    """Returns the cells of the tables below a heading, without those of their heads."""
    lines = [line for line in section(_PAGE, heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0].startswith("`")]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _told(heading: str, *more_labels: str) -> dict[str, tuple[str, set[str]]]:
    """Returns type and labels of the metrics of a table, by name."""
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


def test_the_metrics_are_those_of_a_server() -> None:
    """The table has each family with its type and labels; what it says of our own is their help."""
    with observed_server() as server:
        samples = server.samples()
    assert _told("Metrics") == _served(samples)
    texts = {_names(row[0])[0]: row[4] for row in _rows("Metrics")}
    for family in samples.families.values():
        if family.name.startswith(_OWN):
            assert texts[_name(family)] == family.documentation
    count = sum(len(family.samples) for family in samples.families.values())
    (about,) = re.findall(r"a process has about (\d+)", _PAGE)
    assert count == pytest.approx(int(about), rel=0.05)


def test_the_metrics_are_those_of_a_server_with_workers() -> None:
    """Each has the label `worker`, and there are those of the second table."""
    with observed_server("--workers", "2") as server:
        samples = server.samples()
    assert {**_told("Metrics", "worker"), **_told("With workers")} == _served(samples)
    for row in _rows("With workers"):
        (family,) = [it for it in samples.families.values() if _name(it) == _names(row[0])[0]]
        assert row[4] == family.documentation


def test_units_are_those_of_the_names() -> None:
    """What is measured in seconds or bytes says so in its name, and nothing else does."""
    for row in [*_rows("Metrics"), *_rows("With workers")]:
        (name,) = _names(row[0])
        words = name.removesuffix("_total").split("_")
        expected = words[-1] if words[-1] in {"seconds", "bytes"} else None
        assert (row[3] if row[3] in {"seconds", "bytes"} else None) == expected, name


def test_every_alert_has_its_line() -> None:
    """In the order of the rules, each with how long the condition must hold."""
    rows = _rows("Alerts")
    assert [_names(row[0]) for row in rows] == [[rule["alert"]] for rule in rules()]
    for row, rule in zip(rows, rules(), strict=True):
        times = re.findall(r"For (\d+) min", row[1])
        assert [f"{it}m" for it in times] == ([rule["for"]] if "for" in rule else [])
        assert row[2].endswith(".")


def test_the_span_has_the_attributes() -> None:
    """The table names those of an RPC that succeeds and of one that is the server's failure."""
    with (
        running_collector() as collector,
        observed_server("--opentelemetry", variables=collector.variables) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        stub.Render(service_pb2.RenderRequest(message={"author": {"role": "ROLE_USER"}}))
        requests: queue.SimpleQueue[parse_pb2.ParseRequest | None] = queue.SimpleQueue()
        # The server's deadline: it alone knows whether it passed.
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


def test_log_lines_have_the_fields() -> None:
    """The example is what an RPC gives but for its values, and the table explains each field."""
    with (
        observed_server("--log-format", "json", "--log-level", "debug") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        HarmonyServiceStub(channel).Encode(service_pb2.EncodeRequest(text="Hello"))
        eventually(lambda: '"rpc"' in server.log())
        (line,) = [it for it in server.log_entries() if it["event"] == "rpc"]
    (example,) = map(json.loads, blocks(section(_PAGE, "Logs"), "json"))
    assert list(example) == list(line)
    same = ("event", "level", "logger", "method", "code")
    assert [example[it] for it in same] == [line[it] for it in same]
    explained = [name for row in _rows("Logs") for name in _names(row[0])]
    # tests/telemetry/test_logs.py sees the others where something is raised.
    assert set(explained) == set(line) | {"error", "where"}
