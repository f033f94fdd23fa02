"""Parse with one token per request costs at most 1.25 times as much as gRPC alone."""

from devtools import requests

from .. import load
from ..compare import alternate, microseconds
from ..results import Goal, Row, costing
from ..servers import floor_server, harmony_server

_STREAMS = 64
_STEPS = 200
_ROUNDS = 11


def measure() -> list[Row]:
    """Applies the same streams to both servers, all at once and each in lock step."""
    scripts = requests.parse_scripts(requests.completions(_STREAMS), _STEPS)
    with harmony_server() as ours:
        warm_up = load.stream_in_lock_step(ours, load.PARSE, scripts)
        with floor_server(warm_up.mean_answer_bytes) as floor:
            comparison = alternate(
                lambda _number: (
                    load.stream_in_lock_step(ours, load.PARSE, scripts).cpu_seconds_per_message
                ),
                lambda _number: (
                    load.stream_in_lock_step(
                        floor, load.FLOOR_STREAM, scripts
                    ).cpu_seconds_per_message
                ),
                _ROUNDS,
            )
    return [
        costing(
            f"`Parse`, {_STREAMS} streams, one token a request: server CPU per message",
            microseconds(comparison.ours),
            f"no-op server {microseconds(comparison.other)}",
            comparison,
            Goal("at most", 1.25),
        )
    ]
