"""A token costs about the same whether 256 sequences are open or 4,000."""

from devtools import requests

from ..batch_cost import SEQUENCES, seconds_per_token
from ..compare import alternate, nanoseconds
from ..results import Goal, Row, costing
from ..servers import Configuration, harmony_server

# The defaults are too small for the requests that feed all sequences up to their start.
_SERVER = Configuration(
    ("--max-request-bytes", f"{64 * 2**20}", "--max-request-tokens", f"{16 * 2**20}")
)
# A multiple of SEQUENCES, so that all sequences take turns.
_OPEN = 4096
_STEPS = 1000
_ROUNDS = 9


def measure() -> list[Row]:
    """Steps a different 256 of many open sequences each time, against 256 open sequences."""
    completions = requests.completions(100)
    many = requests.batch_script(completions, open_count=_OPEN, stepping=SEQUENCES, steps=_STEPS)
    few = requests.batch_script(completions, open_count=SEQUENCES, stepping=SEQUENCES, steps=_STEPS)
    with harmony_server(_SERVER) as server:
        comparison = alternate(
            lambda _number: seconds_per_token(server, [many]),
            lambda _number: seconds_per_token(server, [few]),
            _ROUNDS,
        )
    return [
        costing(
            f"`ParseBatch`, {_OPEN:,} open, {SEQUENCES} of them stepping: server CPU per token",
            nanoseconds(comparison.ours),
            f"{SEQUENCES} open {nanoseconds(comparison.other)}",
            comparison,
            Goal("at most", 1.2),
        )
    ]
