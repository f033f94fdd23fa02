"""The server's own metrics, in a form that Prometheus and OpenTelemetry can both report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..core.render_cache import CacheStatistics
    from ..operations.limits import Allowance
    from ..operations.operations import Operations

Kind = Literal["counter", "gauge"]

# Upper bounds of the histograms' buckets, in seconds.
RPC_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
    *(2.5, 10, 60, 600),
)
LAG_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


@dataclass(frozen=True)
class Figure:
    """A metric that is read when it is reported.

    Attributes:
        name: Its name, without the `_total` that Prometheus' client appends to counters.
        description: The help text.
        kind: counter: only increases. gauge: may decrease.
        read: Returns the current values, by label value; without a label, one value under "".
        label: The label's name; empty: no label.
    """

    name: str
    description: str
    kind: Kind
    read: Callable[[], Mapping[str, float]]
    label: str = ""


def figures_of(operations: Operations) -> list[Figure]:
    """Returns the metrics of what the server does, its render cache and its limits."""
    counters, limits = operations.counters, operations.limits

    def cache() -> CacheStatistics:
        return operations.renderer.cache_statistics

    return [
        _counter(
            "rendered_tokens",
            "Tokens returned by render RPCs, cached or not.",
            lambda: counters.rendered_tokens,
        ),
        _counter("parsed_tokens", "Tokens received for parsing.", lambda: counters.parsed_tokens),
        _counter_by_reason(
            "repairs", "Repairs of malformed output in recover mode.", counters.repairs
        ),
        _counter_by_reason(
            "sequence_errors",
            "Failed sequences of ParseBatch and answers of StreamAnswerBatch: not status codes.",
            counters.sequence_errors,
        ),
        _counter("render_cache_hits", "Messages found in the render cache.", lambda: cache().hits),
        _counter(
            "render_cache_misses", "Messages not found in the render cache.", lambda: cache().misses
        ),
        _gauge("render_cache_entries", "Messages in the render cache.", lambda: cache().entries),
        _gauge("render_cache_bytes", "Memory used by the render cache.", lambda: cache().bytes),
        _gauge(
            "render_cache_max_bytes",
            "Limit on the memory of the render cache.",
            lambda: cache().max_bytes,
        ),
        *_use_of(
            "streams",
            "streams: Parse, ParseBatch, StreamAnswer, StreamAnswerBatch and reflection",
            limits.streams,
        ),
        *_use_of(
            "sequences",
            "sequences of ParseBatch, StreamAnswer and StreamAnswerBatch",
            limits.sequences,
        ),
        *_use_of(
            "large_requests",
            "large unary requests, at work or waiting for a thread",
            limits.large_requests,
        ),
    ]


def _counter(name: str, description: str, read: Callable[[], float]) -> Figure:
    return Figure(f"harmony_{name}", description, "counter", lambda: {"": read()})


def _counter_by_reason(name: str, description: str, counts: Mapping[str, int]) -> Figure:
    # A copy, because other threads change the counts.
    return Figure(f"harmony_{name}", description, "counter", lambda: dict(counts), "reason")


def _gauge(name: str, description: str, read: Callable[[], float]) -> Figure:
    return Figure(f"harmony_{name}", description, "gauge", lambda: {"": read()})


def _use_of(name: str, things: str, allowance: Allowance) -> list[Figure]:
    return [
        _gauge(f"{name}_open", f"Open {things}.", lambda: allowance.taken),
        _gauge(f"{name}_max", f"Limit on open {things}.", lambda: allowance.maximum),
    ]
