"""A real Prometheus scrapes real servers, with and without workers.

Its configuration is that of docs/observability.md, with other addresses and shorter intervals.
"""

from __future__ import annotations

import contextlib
import functools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import psutil
import pytest
import yaml

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.documents import blocks, document
from tests.support.encodings import encode
from tests.support.failures import failure_of
from tests.support.messages import conversation, user
from tests.support.observed_servers import ObservedServer, observed_server
from tests.support.streams import ASSISTANT, batch, config, parse, tokens
from tests.support.waiting import eventually
from tests.telemetry import dashboard
from tests.telemetry.prometheus import Prometheus, QueryError, running_prometheus
from tests.telemetry.test_alerts import RULES, rules

pytestmark = pytest.mark.long

_INTERVAL = "500ms"
_MAX_REQUEST_TOKENS = 1000
_BROKEN = encode("<|channel|>commentary to=f to=f<|message|>{}<|call|>")
_RECOVER = parse_pb2.ParseConfig(
    role=chat_pb2.ROLE_ASSISTANT, options=parse_pb2.ParseOptions(recover=True)
)
_EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in rules()}


@dataclass(frozen=True)
class Scraped:
    """Two servers and the Prometheus that scrapes them.

    Attributes:
        single: A server of one process.
        workers: A server with two workers.
        prometheus: The Prometheus.
    """

    single: ObservedServer
    workers: ObservedServer
    prometheus: Prometheus

    def value(self, expression: str) -> float | None:
        """Returns the value of an expression with at most one series, or None."""
        found = self.prometheus.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None


@contextlib.contextmanager
def _scraping() -> Iterator[Scraped]:
    """Runs both servers, makes calls with a known outcome and waits until they are scraped."""
    limit = ("--max-request-tokens", str(_MAX_REQUEST_TOKENS))
    with (
        observed_server(*limit) as single,
        observed_server(*limit, "--workers", "2") as workers,
        running_prometheus(_configuration(single.metrics, workers.metrics)) as prometheus,
    ):
        running = Scraped(single, workers, prometheus)
        # A rate needs a sample from before the calls.
        eventually(
            lambda: (running.value("min(count_over_time(harmony_server_info[1m]))") or 0) >= 2
        )
        eventually(lambda: running.value("count(up == 1)") == 2)
        for server in (single, workers):
            _exercise(server.address)
        eventually(
            lambda: running.value('sum(grpc_server_handled_total{grpc_method="Decode"})') == 2
        )
        yield running


@pytest.fixture(scope="module")
def scraped() -> Iterator[Scraped]:
    """The servers and the Prometheus that the tests of this module share."""
    with _scraping() as running:
        yield running


def _configuration(*targets: str) -> dict[str, Any]:
    (text,) = [
        block for block in blocks(document("observability.md"), "yaml") if "scrape_configs" in block
    ]
    configuration: dict[str, Any] = yaml.safe_load(text)
    configuration["global"] = {"scrape_interval": _INTERVAL, "evaluation_interval": _INTERVAL}
    (name,) = configuration["rule_files"]
    assert RULES.name == name
    configuration["rule_files"] = [str(RULES)]
    (job,) = configuration["scrape_configs"]
    (static,) = job["static_configs"]
    static["targets"] = list(targets)
    return configuration


def _exercise(address: str) -> None:
    """Makes a call of each kind that the dashboard distinguishes; the last is Decode."""
    with grpc.insecure_channel(address) as channel:
        stub = HarmonyServiceStub(channel)
        for _ in range(3):
            stub.GetEncoding(service_pb2.GetEncodingRequest())
        talk = service_pb2.RenderConversationRequest(conversation=conversation(user("Hello")))
        for _ in range(2):
            stub.RenderConversation(talk)
        parse(stub, config(_RECOVER), tokens(_BROKEN))
        opened = [parse_pb2.OpenSequence(sequence_id=1, config=ASSISTANT)]
        batch(stub, parse_pb2.ParseBatchRequest(open=opened, sequence_ids=[7], tokens=[1]))
        failure_of(lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[300_000])))


@pytest.mark.parametrize("name", ["single", "workers"])
def test_every_query_of_the_dashboard_has_data(scraped: Scraped, name: str) -> None:
    """Every query has data, except those about workers on a server without workers."""
    server: ObservedServer = getattr(scraped, name)
    values = {"job": "harmony-sidecar", "instance": server.metrics, "__rate_interval": "1m"}

    def without_data() -> list[str]:
        return [
            query.text
            for query in dashboard.queries()
            if not any(
                math.isfinite(value)
                for _, value in scraped.prometheus.query(query.expression(**values))
            )
        ]

    about_workers = [query.text for query in dashboard.queries() if "harmony_worker" in query.text]
    assert len(about_workers) == 3
    _assert_soon(without_data, [] if name == "workers" else about_workers)


def test_the_dashboard_finds_the_servers(scraped: Scraped) -> None:
    """The dashboard's variables list the job and both instances."""
    for name, expected in (
        ("job", ["harmony-sidecar"]),
        ("instance", sorted([scraped.single.metrics, scraped.workers.metrics])),
    ):
        definition = dashboard.variables()[name]["query"]["query"]
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", definition)
        assert found
        selector = dashboard.replace_variables(found[1], {"job": "harmony-sidecar"})
        values = scraped.prometheus.get(f"label/{found[2]}/values", **{"match[]": selector})
        assert sorted(values) == expected


def test_the_numbers_match_the_calls(scraped: Scraped) -> None:
    """Prometheus has the number of calls of each server, summed over workers."""
    for server in (scraped.single, scraped.workers):
        chosen = f'job="harmony-sidecar", instance="{server.metrics}"'
        for expression, expected in (
            ('grpc_server_handled_total{{{}, grpc_method="GetEncoding", grpc_code="OK"}}', 3),
            ('grpc_server_handled_total{{{}, grpc_code="INVALID_ARGUMENT"}}', 1),
            ('grpc_server_handling_seconds_count{{{}, grpc_type="bidi_stream"}}', 2),
            ("harmony_parsed_tokens_total{{{}}}", len(_BROKEN) + 1),
            ('harmony_repairs_total{{{}, reason="REPEATED_RECIPIENT"}}', 1),
            ('harmony_sequence_errors_total{{{}, reason="SEQUENCE_UNKNOWN"}}', 1),
            ("harmony_sequences_open{{{}}}", 0),
        ):
            total = f"sum({expression.format(chosen)})"
            _assert_soon(functools.partial(scraped.value, total), expected)

    def processes() -> list[str]:
        found = scraped.prometheus.query("process_resident_memory_bytes > 50e6")
        return sorted(labels.get("worker", "") for labels, _ in found)

    _assert_soon(processes, ["", "0", "1"])


def test_an_invalid_query_is_an_error(scraped: Scraped) -> None:
    """An invalid query raises an error, so that the tests above would fail."""
    with pytest.raises(QueryError, match="parse error"):
        scraped.prometheus.query("sum(")


def test_prometheus_evaluates_the_rules(scraped: Scraped) -> None:
    """Prometheus evaluates every rule without an error."""

    def evaluated() -> list[dict[str, Any]]:
        (group,) = scraped.prometheus.get("rules")["groups"]
        found: list[dict[str, Any]] = group["rules"]
        return found

    eventually(lambda: all(rule["health"] != "unknown" for rule in evaluated()))
    assert [(rule["name"], rule["health"]) for rule in evaluated()] == [
        (rule["alert"], "ok") for rule in rules()
    ]


def test_alerts_on_real_servers() -> None:
    """Alerts match nothing on healthy servers, and then match what happens to them."""
    with _scraping() as scraped:
        # The lag of the event loop depends on this machine too.
        assert scraped.prometheus.query(_EXPRESSIONS["HarmonySidecarSlow"].replace("> 0.1", ">= 0"))
        for alert in _EXPRESSIONS.keys() - {"HarmonySidecarSlow"}:
            _until(scraped, alert)

        with grpc.insecure_channel(scraped.single.address) as channel:
            stub = HarmonyServiceStub(channel)
            excess = service_pb2.DecodeRequest(tokens=[0] * (_MAX_REQUEST_TOKENS + 1))
            failure = failure_of(lambda: stub.Decode(excess))
        assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        _until(scraped, "HarmonySidecarRefuses", {"grpc_method": "Decode"})

        workers = {"instance": scraped.workers.metrics}
        # A restart takes longer than Prometheus takes to notice the missing worker.
        psutil.Process(scraped.workers.process.pid).children()[0].kill()
        _until(scraped, "HarmonySidecarWorkerMissing", workers)
        _until(scraped, "HarmonySidecarWorkerMissing")

        scraped.single.stop()
        _until(scraped, "HarmonySidecarDown", {"instance": scraped.single.metrics})
        assert scraped.prometheus.query(_EXPRESSIONS["HarmonySidecarAbsent"]) == []
        scraped.workers.stop()
        _until(scraped, "HarmonySidecarAbsent", {})


def _until(scraped: Scraped, alert: str, *expected: dict[str, str]) -> None:
    """Waits until an alert's expression has exactly the series with these labels and the job's."""

    def found() -> list[dict[str, str]]:
        series = [labels for labels, _ in scraped.prometheus.query(_EXPRESSIONS[alert])]
        return [{key: labels[key] for key in labels if key != "__name__"} for labels in series]

    _assert_soon(found, [{"job": "harmony-sidecar", **labels} for labels in expected])


def _assert_soon(measure: Callable[[], object], expected: object) -> None:
    """Asserts what may come late: a slow scrape leaves a gap until the next one."""
    last: list[object] = []

    def holds() -> bool:
        last[:] = [measure()]
        return last == [expected]

    with contextlib.suppress(AssertionError):
        eventually(holds)
    assert last == [expected]
