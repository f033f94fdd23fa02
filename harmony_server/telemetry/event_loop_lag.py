"""How late the event loop is: what every stream waits for while something holds it up."""

import asyncio
import time
from collections.abc import Callable

_INTERVAL_SECONDS = 0.25


async def watch(note: Callable[[float], None]) -> None:
    """Calls `note` with the lag, in seconds, several times a second, for as long as it runs."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_INTERVAL_SECONDS)
        note(max(0.0, time.perf_counter() - began - _INTERVAL_SECONDS))
