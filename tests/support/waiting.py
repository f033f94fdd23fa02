"""Waits for what comes about in its own time."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.02


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    """Waits until a condition holds; within so many seconds it must."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(_PAUSE_SECONDS)
