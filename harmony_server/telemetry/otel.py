"""Traces and metrics with OpenTelemetry, configured by the OTEL_… variables."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import grpc

from ..contract.methods import METHODS
from ..version import __version__
from .figures import LAG_SECONDS, RPC_SECONDS, Figure
from .rpcs import Rpc

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation

# For variables that are unset: export to a collector on this machine.
_DEFAULTS = {
    "OTEL_SERVICE_NAME": "harmony-sidecar",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
}
_SCOPE = "harmony_server"
# An unreachable collector must not delay the server's end for longer; what is left is lost.
_SHUT_DOWN_SECONDS = 3.0

# Codes that the semantic conventions count as failures of the server; others are the client's.
_FAILURES: Final = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}

_ATTRIBUTES: Final = {
    method: {"rpc.system.name": "grpc", "rpc.method": f"{method.service}/{method.name}"}
    for method in METHODS.values()
}


class OpenTelemetry:
    """Creates a span for each RPC, a child of the client's, and exports the server's metrics.

    Configures OpenTelemetry for the whole process and starts its exporters; `shut_down` ends them.

    Raises:
        ImportError: The extra `otel` is not installed.
        ValueError: The OTEL_… variables name something that is not available.
    """

    def __init__(self) -> None:
        # Imported here because the extra is optional.
        try:
            from opentelemetry import metrics, propagate, trace
            from opentelemetry.distro import OpenTelemetryConfigurator
        except ImportError:
            raise ImportError(
                "opentelemetry needs the extra otel: pip install 'harmony-sidecar[otel]'"
            ) from None
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        try:
            OpenTelemetryConfigurator().configure(  # type: ignore[no-untyped-call]  # has no types
                resource_attributes={"service.version": __version__},
                # It would export exceptions' messages, which may quote a request.
                setup_logging_handler=False,
            )
        except RuntimeError as error:
            raise ValueError(f"OpenTelemetry: {error}") from None
        self._extract = propagate.extract
        self._server_kind = trace.SpanKind.SERVER
        self._failed = trace.Status(trace.StatusCode.ERROR)
        self._tracer = trace.get_tracer(_SCOPE, __version__)
        self._meter = metrics.get_meter(_SCOPE, __version__)
        self._duration = self._meter.create_histogram(
            "rpc.server.call.duration",
            unit="s",
            description="Duration of RPCs.",
            explicit_bucket_boundaries_advisory=RPC_SECONDS,
        )
        self._lag = self._meter.create_histogram(
            "harmony_event_loop_lag",
            unit="s",
            description="How late the event loop runs scheduled work.",
            explicit_bucket_boundaries_advisory=LAG_SECONDS,
        )
        self._providers = (trace.get_tracer_provider(), metrics.get_meter_provider())

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Starts the span of an RPC; the result ends it and records the duration."""
        attributes = _ATTRIBUTES[rpc.method]
        carrier = {key: value for key, value in rpc.metadata if isinstance(value, str)}
        span = self._tracer.start_span(
            attributes["rpc.method"],
            context=self._extract(carrier),
            kind=self._server_kind,
            attributes=attributes,
        )

        def end() -> None:
            outcome = {"rpc.response.status_code": rpc.code.name}
            if rpc.code in _FAILURES:
                outcome["error.type"] = rpc.code.name
            self._duration.record(rpc.seconds, {**attributes, **outcome})
            if span.is_recording():
                span.set_attributes({**outcome, "harmony.request_id": rpc.request_id})
                if rpc.code in _FAILURES:
                    span.set_status(self._failed)
            span.end()

        return end

    def record_lag(self, seconds: float) -> None:
        """Records a measurement of the event loop's lag."""
        self._lag.record(seconds)

    def add_figures(self, figures: Iterable[Figure]) -> None:
        """Exports these figures, too, from now on."""
        create = {
            "counter": self._meter.create_observable_counter,
            "gauge": self._meter.create_observable_gauge,
        }
        for figure in figures:
            create[figure.kind](figure.name, [_reader(figure)], description=figure.description)

    def shut_down(self) -> None:
        """Exports what has not been exported yet, for at most 3 s, and ends the exporters."""
        # Daemon threads do not delay the end of the process; in parallel each has the full time.
        threads = [
            threading.Thread(target=provider.shutdown, daemon=True)
            for provider in self._providers
            # A provider without exporters has none.
            if hasattr(provider, "shutdown")
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + _SHUT_DOWN_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _reader(figure: Figure) -> Callable[[CallbackOptions], Iterable[Observation]]:
    from opentelemetry.metrics import Observation

    def read(_options: CallbackOptions) -> Iterable[Observation]:
        for value, number in figure.read().items():
            yield Observation(number, {figure.label: value} if figure.label else None)

    return read
