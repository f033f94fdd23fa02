"""An OTLP collector, over gRPC or HTTP, that keeps what it receives in memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.server
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

_SERVICES = "opentelemetry.proto.collector"


class Collector:
    """What a collector has received.

    Attributes:
        address: The collector's host:port.
        traces: Exports of spans, in order of arrival.
        measurements: Exports of metrics, in order of arrival.
    """

    def __init__(self) -> None:
        self.address = ""
        self.traces: list[ExportTraceServiceRequest] = []
        self.measurements: list[ExportMetricsServiceRequest] = []

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables with which a server exports to it, with hardly any delay."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.address}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    def spans(self) -> list[Span]:
        """Returns the spans in order of arrival."""
        return [
            span
            for request in list(self.traces)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Metric]:
        """Returns the latest export of each metric, by name."""
        return {
            metric.name: metric
            for request in list(self.measurements)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def resources(self) -> list[dict[str, str]]:
        """Returns the attributes of each resource that exported spans, without duplicates."""
        resources = [
            texts(resource.resource.attributes)
            for request in list(self.traces)
            for resource in request.resource_spans
        ]
        return [
            resource
            for index, resource in enumerate(resources)
            if resource not in resources[:index]
        ]

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Returns the collector's two services, for a gRPC server."""

        def take_traces(
            request: ExportTraceServiceRequest, _context: object
        ) -> ExportTraceServiceResponse:
            self.traces.append(request)
            return ExportTraceServiceResponse()

        def take_metrics(
            request: ExportMetricsServiceRequest, _context: object
        ) -> ExportMetricsServiceResponse:
            self.measurements.append(request)
            return ExportMetricsServiceResponse()

        traces: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            take_traces,
            ExportTraceServiceRequest.FromString,
            ExportTraceServiceResponse.SerializeToString,
        )
        metrics: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(
            take_metrics,
            ExportMetricsServiceRequest.FromString,
            ExportMetricsServiceResponse.SerializeToString,
        )
        return [
            grpc.method_handlers_generic_handler(f"{_SERVICES}.{service}", {"Export": handler})
            for service, handler in (
                ("trace.v1.TraceService", traces),
                ("metrics.v1.MetricsService", metrics),
            )
        ]


@contextlib.contextmanager
def running_collector() -> Iterator[Collector]:
    """Runs a collector over gRPC for the duration of the block."""
    collector = Collector()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(collector.handlers())
    collector.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def running_http_collector() -> Iterator[Collector]:
    """Runs a collector over HTTP, which takes protobuf, for the duration of the block."""
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                collector.traces.append(ExportTraceServiceRequest.FromString(data))
            elif self.path == "/v1/metrics":
                collector.measurements.append(ExportMetricsServiceRequest.FromString(data))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def texts(pairs: Iterable[KeyValue]) -> dict[str, str]:
    """Returns attributes, all of which must be strings, by key."""
    return {pair.key: pair.value.string_value for pair in pairs}
