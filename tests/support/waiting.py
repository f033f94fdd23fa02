"""Waits for conditions."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.02


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits until a condition holds, and fails if that takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"the condition did not hold within {seconds} s"
        time.sleep(_PAUSE_SECONDS)
