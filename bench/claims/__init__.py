"""The claims: modules with a function `measure() -> list[Row]`."""

import importlib
from collections.abc import Callable
from typing import cast

from ..results import Row

# The modules that measure the rows below each heading of RESULTS.md.
TABLES = {
    "In-process, against the reference library": (
        "cold_render",
        "unary_parse",
        "streamable_parser",
        "repetitive_text",
        "cached_render",
        "attributed_render",
        "recover_mode",
        "linear_time",
        "openai_answers",
    ),
    "Streaming over gRPC, against the floor and the reference": (
        "parse_stream",
        "batch_streams",
        "batch_lock_step",
        "batch_many_open",
        "cached_render_rpc",
        "openai_render",
        "attributed_render_rpc",
        "continuation",
        "everything_on",
    ),
    "Sampling constraints": ("sampling_constraints",),
    "Loss masks, against the rules of others": ("loss_masks",),
    "Clients in other languages": ("go_client",),
    "The server process": (
        "start_up",
        "idle_memory",
        "open_streams",
        "latency_beside_render",
        "workers",
    ),
}
NAMES = tuple(name for names in TABLES.values() for name in names)


def measure(name: str) -> list[Row]:
    """Measures one claim."""
    module = importlib.import_module(f"{__name__}.{name}")
    return cast(Callable[[], list[Row]], module.measure)()
