"""Many sequences over ParseBatch cost at most half of what the reference costs in-process."""

from devtools import requests

from ..batch_cost import SEQUENCES, seconds_per_token
from ..compare import alternate, nanoseconds
from ..reference_parse import seconds_per_token as reference_seconds_per_token
from ..results import Goal, Row, costing
from ..servers import harmony_server

_STREAMS = 8
_STEPS = 250
_ROUNDS = 9


def measure() -> list[Row]:
    """Steps 8 streams of 256 sequences; the reference parses the same completions."""
    completions = requests.completions(100)
    scripts = [
        requests.batch_script(
            completions, open_count=SEQUENCES, stepping=SEQUENCES, steps=_STEPS, seed=seed
        )
        for seed in range(_STREAMS)
    ]
    with harmony_server() as server:
        comparison = alternate(
            lambda _number: seconds_per_token(server, scripts),
            lambda _number: reference_seconds_per_token(completions),
            _ROUNDS,
        )
    return [
        costing(
            f"`ParseBatch`, {_STREAMS} streams of {SEQUENCES} sequences: server CPU per token",
            nanoseconds(comparison.ours),
            f"reference in-process {nanoseconds(comparison.other)}",
            comparison,
            Goal("at most", 0.5),
        )
    ]
