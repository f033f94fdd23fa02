"""OpenTelemetry: spans of the RPCs, and the server's metrics, as the OTEL_… variables say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import grpc

from .rpcs import Rpc

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

# Where the variables say nothing: traces and metrics to a collector on this machine, no logs.
_DEFAULTS = {
    "OTEL_SERVICE_NAME": "harmony-sidecar",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
}

_SCOPE = "harmony_server"
# What becomes of the types of Prometheus' metrics; histograms are recorded as they happen.
_INSTRUMENTS = {"counter": "create_observable_counter", "gauge": "create_observable_gauge"}

# The codes by which the semantic conventions call a server's span failed; the others are the
# client's doing.
_FAILURES: Final = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}


class OpenTelemetry:
    """Makes a span of each RPC, child of the client's, and exports the server's metrics.

    Raises:
        ImportError: The extra `otel` is not installed.
    """

    def __init__(self) -> None:
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        # Here: who does not ask for it need not have it.
        from opentelemetry import metrics, propagate, trace
        from opentelemetry.distro import OpenTelemetryConfigurator

        OpenTelemetryConfigurator().configure()  # type: ignore[no-untyped-call]
        self._extract = propagate.extract
        self._server_kind = trace.SpanKind.SERVER
        self._failed = trace.Status(trace.StatusCode.ERROR)
        self._tracer = trace.get_tracer(_SCOPE)
        self._meter = metrics.get_meter(_SCOPE)
        self._duration = self._meter.create_histogram(
            "rpc.server.duration", unit="ms", description="How long RPCs took."
        )
        self._providers = (trace.get_tracer_provider(), metrics.get_meter_provider())

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Begins the span of an RPC."""
        attributes: dict[str, str | int] = {
            "rpc.system": "grpc",
            "rpc.service": rpc.service,
            "rpc.method": rpc.method,
        }
        carrier = {key: value for key, value in rpc.metadata if isinstance(value, str)}
        span = self._tracer.start_span(
            f"{rpc.service}/{rpc.method}",
            context=self._extract(carrier),
            kind=self._server_kind,
            attributes=attributes,
        )

        def end() -> None:
            attributes["rpc.grpc.status_code"] = rpc.code.value[0]
            self._duration.record(rpc.seconds * 1000, attributes)
            if span.is_recording():
                span.set_attribute("rpc.grpc.status_code", rpc.code.value[0])
                if rpc.code in _FAILURES:
                    span.set_status(self._failed)
            span.end()

        return end

    def add_registry(self, registry: CollectorRegistry) -> None:
        """Exports the counters and gauges of the server, under their Prometheus names."""
        for family in registry.collect():
            if family.name.startswith("harmony_") and family.type in _INSTRUMENTS:
                create = getattr(self._meter, _INSTRUMENTS[family.type])
                create(family.name, [_reader(registry, family)], description=family.documentation)

    def shut_down(self) -> None:
        """Exports what was not yet exported."""
        for provider in self._providers:
            # Those of the SDK have it; the API's, where nothing is exported, do not.
            getattr(provider, "shutdown", lambda: None)()


def _reader(
    registry: CollectorRegistry, family: Metric
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation

    suffix = "_total" if family.type == "counter" else ""
    name = f"{family.name}{suffix}"

    def read(_options: CallbackOptions) -> Iterable[Observation]:
        for found in registry.restricted_registry([name]).collect():
            for sample in found.samples:
                yield Observation(sample.value, sample.labels)

    return read
