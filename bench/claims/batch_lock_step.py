"""One ParseBatch stream in lock step costs no more than the reference does in-process."""

from devtools import requests

from ..batch_cost import SEQUENCES, seconds_per_token
from ..compare import alternate, nanoseconds
from ..reference_parse import seconds_per_token as reference_seconds_per_token
from ..results import Goal, Row, costing
from ..servers import harmony_server

_STEPS = 1500
_ROUNDS = 9


def measure() -> list[Row]:
    """Steps one stream of 256 sequences, so that each message also pays for waking the server."""
    completions = requests.completions(100)
    script = requests.batch_script(
        completions, open_count=SEQUENCES, stepping=SEQUENCES, steps=_STEPS
    )
    with harmony_server() as server:
        comparison = alternate(
            lambda _number: seconds_per_token(server, [script]),
            lambda _number: reference_seconds_per_token(completions),
            _ROUNDS,
        )
    return [
        costing(
            f"`ParseBatch`, one stream of {SEQUENCES} in lock step: server CPU per token",
            nanoseconds(comparison.ours),
            f"reference in-process {nanoseconds(comparison.other)}",
            comparison,
            Goal("at most", 1),
        )
    ]
