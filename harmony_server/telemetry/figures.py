"""The server's own figures, for whoever reports them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ..operations.operations import Operations

Kind = Literal["counter", "gauge"]

# Buckets of the histograms.
RPC_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
    *(2.5, 10, 60, 600),
)
LAG_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)

_COUNTERS: tuple[tuple[str, str], ...] = (
    ("rendered_tokens", "Tokens returned by render RPCs, cached or not."),
    ("parsed_tokens", "Tokens received for parsing."),
)
_COUNTERS_BY_REASON: tuple[tuple[str, str], ...] = (
    ("repairs", "Repairs of malformed output in recover mode."),
    ("sequence_errors", "Errors of ParseBatch sequences: events, not status codes."),
)
_CACHE: tuple[tuple[Kind, str, str], ...] = (
    ("counter", "hits", "Messages found in the render cache."),
    ("counter", "misses", "Messages not found in the render cache."),
    ("gauge", "entries", "Messages in the render cache."),
    ("gauge", "bytes", "Memory used by the render cache."),
    ("gauge", "max_bytes", "Limit on the memory of the render cache."),
)
_LIMITS: tuple[tuple[str, str], ...] = (
    ("streams", "streams of Parse, ParseBatch and reflection"),
    ("sequences", "sequences of ParseBatch streams"),
    ("large_requests", "large unary requests, at work or waiting for a thread"),
)


@dataclass(frozen=True)
class Figure:
    """Numbers that are read when somebody asks.

    Attributes:
        name: Its name, without the `_total` that Prometheus' clients append to a counter's.
        text: What it says.
        kind: A counter only grows.
        read: Returns the numbers, by the value of the label.
        label: What tells the numbers apart; empty where there is one.
    """

    name: str
    text: str
    kind: Kind
    read: Callable[[], Mapping[str, float]]
    label: str = ""


def figures_of(operations: Operations) -> list[Figure]:
    """Returns the figures of what the server does."""
    counters = operations.counters
    figures = [
        Figure(f"harmony_{name}", text, "counter", functools.partial(_read, counters, name))
        for name, text in _COUNTERS
    ]
    for name, text in _COUNTERS_BY_REASON:
        read = functools.partial(_copy, counters, name)
        figures.append(Figure(f"harmony_{name}", text, "counter", read, "reason"))
    for kind, name, text in _CACHE:
        read = functools.partial(_read_cache, operations, name)
        figures.append(Figure(f"harmony_render_cache_{name}", text, kind, read))
    for name, text in _LIMITS:
        allowance = getattr(operations.limits, name)
        taken, maximum = (
            functools.partial(_read, allowance, field) for field in ("taken", "maximum")
        )
        figures.append(Figure(f"harmony_{name}_open", f"Open {text}.", "gauge", taken))
        figures.append(Figure(f"harmony_{name}_max", f"Limit on open {text}.", "gauge", maximum))
    return figures


def _read(source: object, name: str) -> dict[str, float]:
    return {"": getattr(source, name)}


def _copy(source: object, name: str) -> dict[str, float]:
    return dict(getattr(source, name))


def _read_cache(operations: Operations, name: str) -> dict[str, float]:
    return _read(operations.renderer.cache_statistics, name)
