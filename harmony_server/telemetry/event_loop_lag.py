"""How late the event loop is: what every stream waits for while something holds it up."""

import asyncio
import time
from collections.abc import Callable, Sequence

_INTERVAL_SECONDS = 0.25


async def watch(notes: Sequence[Callable[[float], None]]) -> None:
    """Calls each of `notes` with the lag in seconds, several times a second, while it runs."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_INTERVAL_SECONDS)
        lag = max(0.0, time.perf_counter() - began - _INTERVAL_SECONDS)
        for note in notes:
            note(lag)
