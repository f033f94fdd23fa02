"""The cost of a token through ParseBatch."""

from collections.abc import Sequence

from devtools.requests import Script

from . import load
from .servers import ServerProcess

# Sequences that an engine steps at once.
SEQUENCES = 256


def seconds_per_token(server: ServerProcess, scripts: Sequence[Script]) -> float:
    """Returns the server's CPU seconds per token; every request has SEQUENCES tokens."""
    usage = load.stream_in_lock_step(server, load.PARSE_BATCH, scripts)
    return usage.cpu_seconds_per_message / SEQUENCES
