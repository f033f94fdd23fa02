"""Many large requests at a time: the memory they take, and that it is released."""

from __future__ import annotations

import os
from typing import Final

from tests.support.operations import limits
from tests.support.waiting import eventually

from .uploads import unfinished_requests
from .watched import MIB, watched_server

# The figure in docs/reliability.md was measured with 128.
VARIABLE: Final = "WIRE_LARGE_REQUESTS"
_REQUESTS: Final = int(os.environ.get(VARIABLE, "24"))
_SIZE: Final = limits().request_bytes
_SECONDS: Final = 60
_MOST_LEFT: Final = 64 * MIB


def test_a_burst_of_large_requests() -> None:
    """Large requests take little more memory than their size and release it; others are served."""
    with watched_server() as server:
        before = server.usage().memory
        path = "/harmony.v1.HarmonyService/ParseBatch"
        with (
            server.serving(),
            unfinished_requests(server.address, path, _REQUESTS, _SIZE) as sent,
        ):
            during = server.usage().memory
        assert sent > 0.99 * _REQUESTS * _SIZE
        assert during - before < 1.25 * sent
        eventually(lambda: server.usage().memory - before <= _MOST_LEFT, _SECONDS)
        after = server.usage().memory
        print(*(f"{size / MIB:.0f} MiB" for size in (sent, before, during, after)))
