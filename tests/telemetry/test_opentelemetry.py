"""OpenTelemetry from a real server to a real collector."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from devtools.collector import Collector, running_collector, running_http_collector, texts
from devtools.server_process import serve_command
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.documents import blocks, document
from tests.support.encodings import encode
from tests.support.failures import failure_of
from tests.support.messages import user
from tests.support.observed_servers import ObservedServer, observed_server
from tests.support.streams import ASSISTANT, LockStep, config, parse, parse_failing, tokens
from tests.support.waiting import eventually

_SERVICE = "harmony.v1.HarmonyService"
_TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
_PARENT_ID = "b7ad6b7169203331"
_TRACED = (("traceparent", f"00-{_TRACE_ID}-{_PARENT_ID}-01"), ("x-request-id", "request-7"))
_COMPLETION = encode("<|channel|>final<|message|>It rains.<|return|>")
_ON = "--opentelemetry"
_TIMEOUT_SECONDS = 60


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A running collector."""
    with running_collector() as running:
        yield running


def _get_encoding(address: str) -> None:
    # A new connection for each call, which may reach another worker.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options=options) as channel:
        request = service_pb2.GetEncodingRequest()
        HarmonyServiceStub(channel).GetEncoding(request, metadata=_TRACED)


def _spans_of(collector: Collector, method: str) -> list[Span]:
    return [span for span in collector.spans() if span.name == f"{_SERVICE}/{method}"]


def test_a_span_for_each_rpc(collector: Collector) -> None:
    """Each RPC has a span with its method, its status, and the client's span as parent."""
    with (
        observed_server(_ON, variables=collector.variables) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        began = time.time_ns()
        stub.GetEncoding(service_pb2.GetEncodingRequest(), metadata=_TRACED)
        failure_of(lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[300_000])))
        parse(stub, config(ASSISTANT), tokens(_COMPLETION))
        parse_failing(stub, tokens([1]))
        eventually(lambda: len(collector.spans()) == 4)
        ended = time.time_ns()

    (known,) = _spans_of(collector, "GetEncoding")
    assert (known.trace_id.hex(), known.parent_span_id.hex()) == (_TRACE_ID, _PARENT_ID)
    assert known.kind == Span.SPAN_KIND_SERVER
    assert texts(known.attributes) == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{_SERVICE}/GetEncoding",
        "rpc.response.status_code": "OK",
        "harmony.request_id": "request-7",
    }
    assert began <= known.start_time_unix_nano <= known.end_time_unix_nano <= ended
    (root,) = _spans_of(collector, "Decode")
    assert root.parent_span_id == b""
    assert root.trace_id.hex() != _TRACE_ID
    codes = [
        texts(span.attributes)["rpc.response.status_code"]
        for method in ("Decode", "Parse")
        for span in _spans_of(collector, method)
    ]
    assert codes == ["INVALID_ARGUMENT", "OK", "INVALID_ARGUMENT"]
    # A client's mistake is not a failure of the server.
    assert all(span.status.code == Status.STATUS_CODE_UNSET for span in collector.spans())
    (resource,) = collector.resources()
    assert resource["service.name"] == "harmony-sidecar"
    assert resource["service.version"] == "0.1.0"
    assert resource["service.instance.id"]


def test_a_failed_span(collector: Collector) -> None:
    """A span is marked as failed when the RPC's deadline passes."""
    with (
        observed_server(_ON, variables=collector.variables) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        requests: queue.SimpleQueue[parse_pb2.ParseRequest | None] = queue.SimpleQueue()
        # A deadline that only the server enforces, so that it sees it pass.
        deadline = (("grpc-timeout", "500m"),)
        call = HarmonyServiceStub(channel).Parse(iter(requests.get, None), metadata=deadline)
        failure_of(lambda: list(call))
        requests.put(None)
        eventually(lambda: len(_spans_of(collector, "Parse")) == 1)
    (span,) = _spans_of(collector, "Parse")
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert texts(span.attributes)["error.type"] == "DEADLINE_EXCEEDED"
    assert not span.events


def test_metrics(collector: Collector) -> None:
    """The collector gets the service's metrics, with the same numbers as Prometheus."""
    with (
        observed_server(_ON, variables=collector.variables) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        rendered = len(stub.Render(service_pb2.RenderRequest(message=user("Hello"))).tokens)
        stream = LockStep(stub.Parse)
        stream.ask(config(ASSISTANT))
        stream.ask(tokens(_COMPLETION))
        eventually(
            lambda: (
                {"harmony_streams_open", "harmony_event_loop_lag"} <= collector.metrics().keys()
                and _number(collector.metrics()["harmony_streams_open"]) == 1
            )
        )
        found = collector.metrics()
        assert _number(found["harmony_rendered_tokens"]) == rendered
        assert _number(found["harmony_parsed_tokens"]) == len(_COMPLETION)
        assert len(found["harmony_repairs"].sum.data_points) == 17
        duration = found["rpc.server.call.duration"]
        (point,) = duration.histogram.data_points
        assert texts(point.attributes) == {
            "rpc.system.name": "grpc",
            "rpc.method": f"{_SERVICE}/Render",
            "rpc.response.status_code": "OK",
        }
        assert (duration.unit, point.count, len(point.explicit_bounds)) == ("s", 1, 17)
        names = {
            name
            for name, family in server.samples().families.items()
            if name.startswith("harmony_") and family.type in {"counter", "gauge"}
        }
        assert names - {"harmony_server_info"} <= found.keys()
        stream.half_close()


def _number(metric: Metric) -> int:
    (point,) = (metric.sum if metric.HasField("sum") else metric.gauge).data_points
    return point.as_int


def test_nothing_is_exported_by_default(collector: Collector) -> None:
    """The environment variables alone do not turn exporting on."""
    with observed_server(variables=collector.variables) as server:
        _get_encoding(server.address)
        server.stop()
    assert (collector.traces, collector.measurements) == ([], [])


def test_pending_data_is_exported_at_shutdown(collector: Collector) -> None:
    """A server exports its last spans and metrics before it exits."""
    late = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_METRIC_EXPORT_INTERVAL": "600000"}
    with observed_server(_ON, variables={**collector.variables, **late}) as server:
        _get_encoding(server.address)
        assert collector.traces == []
        assert server.stop() == 0
    assert len(collector.spans()) == 1
    assert "harmony_parsed_tokens" in collector.metrics()


def test_sampling(collector: Collector) -> None:
    """The SDK's sampling variables work: a share of the traces is exported."""
    share = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.3"}
    with (
        observed_server(_ON, variables={**collector.variables, **share}) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        for _ in range(400):
            stub.GetEncoding(service_pb2.GetEncodingRequest())
        server.stop()
    assert 70 < len(collector.spans()) < 170


def test_the_documented_sampling(collector: Collector) -> None:
    """The documented sampling keeps 1 % of new traces, and all that the client samples."""
    (block,) = [block for block in blocks(document("observability.md"), "sh") if "SAMPLER" in block]
    share = dict(line.removeprefix("export ").split("=") for line in block.splitlines())
    with (
        observed_server(_ON, variables={**collector.variables, **share}) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        for _ in range(600):
            stub.GetRenderCacheStatistics(service_pb2.GetRenderCacheStatisticsRequest())
        for _ in range(20):
            stub.GetEncoding(service_pb2.GetEncodingRequest(), metadata=_TRACED)
        server.stop()
    assert len(_spans_of(collector, "GetEncoding")) == 20
    assert len(_spans_of(collector, "GetRenderCacheStatistics")) < 30


def test_over_http() -> None:
    """The server exports over HTTP if the protocol variable says so."""
    with running_http_collector() as collector:
        variables = {**collector.variables, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        with observed_server(_ON, variables=variables) as server:
            _get_encoding(server.address)
            assert server.stop() == 0
        assert len(_spans_of(collector, "GetEncoding")) == 1
        assert "rpc.server.call.duration" in collector.metrics()


@pytest.mark.parametrize(
    ("variables", "signals"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, set()),
        ({"OTEL_TRACES_EXPORTER": "none"}, {"metrics"}),
        ({"OTEL_METRICS_EXPORTER": "none"}, {"traces"}),
    ],
)
def test_variables_that_turn_exporting_off(
    collector: Collector, variables: dict[str, str], signals: set[str]
) -> None:
    """Variables turn off the SDK as a whole, traces or metrics."""
    with observed_server(_ON, variables={**collector.variables, **variables}) as server:
        _get_encoding(server.address)
        assert server.stop() == 0
    exported = {"traces": collector.traces, "metrics": collector.measurements}
    assert {name for name, requests in exported.items() if requests} == signals


def test_nothing_of_a_request_is_exported(collector: Collector) -> None:
    """Exports hold no text of requests and responses, and no metadata but the request id."""
    secret = "What the user asked<|end|>"
    metadata = (("x-request-id", "request-7"), ("x-user", "somebody"))
    with (
        observed_server(_ON, variables=collector.variables) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        stub.Render(service_pb2.RenderRequest(message=user(secret)), metadata=metadata)
        request = service_pb2.EncodeRequest(text=secret)
        assert "<|end|>" in failure_of(lambda: stub.Encode(request, metadata=metadata)).message
        parse(stub, config(ASSISTANT), tokens(_COMPLETION))
        server.stop()
    exports = [*collector.traces, *collector.measurements]
    data = b"".join(export.SerializeToString() for export in exports)
    assert b"request-7" in data
    for word in (b"the user", b"<|end|>", b"somebody", b"It rains", b"127.0.0.1"):
        assert word not in data


def test_each_worker_is_an_instance(collector: Collector) -> None:
    """Each worker exports its own data, under its own instance id."""
    with observed_server(_ON, "--workers", "2", variables=collector.variables) as server:
        for _ in range(20):
            _get_encoding(server.address)
        eventually(lambda: len(collector.spans()) == 20)
    instances = [resource["service.instance.id"] for resource in collector.resources()]
    assert len(instances) == len(set(instances)) == 2


@pytest.fixture
def black_hole() -> Iterator[socket.socket]:
    """A socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(_TIMEOUT_SECONDS)
        yield listening


@pytest.mark.long
def test_a_collector_that_is_down_does_no_harm() -> None:
    """If nothing listens at the collector's address, RPCs and shutdown work as usual."""
    _assert_unharmed("http://127.0.0.1:9", lambda server: eventually(server.log_entries))


@pytest.mark.long
def test_a_collector_that_hangs_does_no_harm(black_hole: socket.socket) -> None:
    """If the collector never answers, RPCs and shutdown work as usual."""
    with contextlib.ExitStack() as stack:

        def wait_for_export(_: ObservedServer) -> None:
            connection, _ = black_hole.accept()
            stack.enter_context(connection)

        _assert_unharmed("http://{}:{}".format(*black_hole.getsockname()), wait_for_export)


def _assert_unharmed(endpoint: str, wait_for_export: Callable[[ObservedServer], object]) -> None:
    variables = {
        # Longer than every deadline below: nothing here can wait for an export.
        "OTEL_EXPORTER_OTLP_TIMEOUT": "600",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "10",
        "OTEL_METRIC_EXPORT_INTERVAL": "10",
    }
    with observed_server(_ON, "--log-format", "json", variables=variables) as server:
        _serves(server)
        wait_for_export(server)
        _serves(server)
        assert server.stop() == 0
        assert server.log_entries()


def _serves(server: ObservedServer) -> None:
    """Makes calls, each with a deadline."""
    with grpc.insecure_channel(server.address) as channel:
        stub = HarmonyServiceStub(channel)
        for _ in range(20):
            stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)


def test_without_the_extra(tmp_path: Path) -> None:
    """Without the extra the server does not start, and tells what to install."""
    # An empty package of that name hides the real one.
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    line = _line_of_a_start_that_fails({"PYTHONPATH": str(tmp_path)})
    assert "opentelemetry needs the extra otel: pip install 'harmony-sidecar[otel]'" in line


def test_an_unknown_exporter() -> None:
    """A variable with an unknown exporter keeps the server from starting."""
    line = _line_of_a_start_that_fails({"OTEL_TRACES_EXPORTER": "carrier-pigeon"})
    assert "carrier-pigeon" in line


def _line_of_a_start_that_fails(variables: dict[str, str]) -> str:
    result = subprocess.run(
        serve_command("--listen", "127.0.0.1:0", _ON),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
        env={**os.environ, **variables},
    )
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    return line
