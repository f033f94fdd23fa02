"""OpenTelemetry: spans of the RPCs, and the server's metrics, as the OTEL_… variables say."""

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

# Where the variables say nothing: traces and metrics to a collector on this machine.
_DEFAULTS = {
    "OTEL_SERVICE_NAME": "harmony-sidecar",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
}
_SCOPE = "harmony_server"
# What the exporter does not get rid of in this time is lost: a collector that is gone must not
# keep the server.
_SHUT_DOWN_SECONDS = 3.0

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

_ATTRIBUTES: Final = {
    method: {"rpc.system.name": "grpc", "rpc.method": f"{method.service}/{method.name}"}
    for method in METHODS.values()
}


class OpenTelemetry:
    """Makes a span of each RPC, child of the client's, and exports the server's metrics.

    Raises:
        ImportError: The extra `otel` is not installed.
        ValueError: The OTEL_… variables ask for what there is not.
    """

    def __init__(self) -> None:
        # Here: who does not ask for it need not have it.
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
            OpenTelemetryConfigurator().configure(  # type: ignore[no-untyped-call]  # it has none
                resource_attributes={"service.version": __version__},
                # The SDK's handler would export the texts of exceptions.
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
        """Begins the span of an RPC."""
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

    def note_lag(self, seconds: float) -> None:
        """Takes a measurement of the event loop's lag."""
        self._lag.record(seconds)

    def add_figures(self, figures: Iterable[Figure]) -> None:
        """Exports the service's own figures."""
        create = {
            "counter": self._meter.create_observable_counter,
            "gauge": self._meter.create_observable_gauge,
        }
        for figure in figures:
            create[figure.kind](figure.name, [_reader(figure)], description=figure.text)

    def shut_down(self) -> None:
        """Exports what was not yet exported, within bounds."""
        # Daemons, which the interpreter does not wait for; and all at once, so that none takes the
        # other's time.
        threads = [
            threading.Thread(target=provider.shutdown, daemon=True)
            for provider in self._providers
            # Those of the SDK; where nothing is exported there is nothing to shut down.
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
