"""Measures how late the event loop runs scheduled work. Every stream waits that long."""

import asyncio
import time
from collections.abc import Callable, Sequence

_INTERVAL_SECONDS = 0.25


async def watch(listeners: Sequence[Callable[[float], None]]) -> None:
    """Calls each listener with the lag in seconds, four times a second, until cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_INTERVAL_SECONDS)
        lag = max(0.0, time.perf_counter() - began - _INTERVAL_SECONDS)
        for listener in listeners:
            listener(lag)
