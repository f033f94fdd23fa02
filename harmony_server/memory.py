"""Gives the system back the memory that a burst of large requests took."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

_SECONDS = 10.0


async def give_back_regularly() -> None:
    """Gives back, for as long as it runs, what the allocator holds and nobody uses.

    glibc keeps most of what gRPC's threads freed, the whole burst, for good. Where there is
    nothing to give back it costs half a millisecond. With another C library it does nothing.
    """
    trim = _find_trim()
    while trim is not None:
        await asyncio.sleep(_SECONDS)
        await asyncio.to_thread(trim, 0)


def _find_trim() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
