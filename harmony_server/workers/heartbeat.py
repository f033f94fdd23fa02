"""Signs of life: a worker sends one each second, and the supervisor counts how many stay away."""

from __future__ import annotations

import asyncio
import contextlib
import os

# A worker without a sign of life for so many seconds is replaced. No request keeps the event loop
# from running for anywhere near as long; a stopped process, or a deadlock, does.
MOST_MISSED: int = 10
_SECONDS = 1.0


async def send(descriptor: int) -> None:
    """Sends a sign of life each second, until cancelled.

    Args:
        descriptor: The end of a pipe to write to.
    """
    os.set_blocking(descriptor, False)
    while True:
        # A full pipe is enough for a supervisor that is paused; one that is gone needs none.
        with contextlib.suppress(OSError):
            os.write(descriptor, b".")
        await asyncio.sleep(_SECONDS)


async def until_missing(descriptor: int) -> None:
    """Returns when signs of life stay away for MOST_MISSED seconds.

    Counts its own wake-ups and reads no clock, so that nothing is missed while both processes, or
    the machine, are paused.

    Args:
        descriptor: The end of a pipe to read from.
    """
    os.set_blocking(descriptor, False)
    missed = 0
    while missed < MOST_MISSED:
        await asyncio.sleep(_SECONDS)
        try:
            missed = 0 if os.read(descriptor, 4096) else missed + 1
        except OSError:
            missed += 1
