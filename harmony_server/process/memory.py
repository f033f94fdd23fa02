"""Keeps the memory that a burst of large requests takes no longer than the burst."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import cast

_TRIM_SECONDS = 10.0
# From glibc's malloc.h; its value there, too, but set by hand it no longer grows to 32 MiB with
# what is freed.
_M_MMAP_THRESHOLD = -3
_MMAP_BYTES = 128 * 1024


def return_large_blocks() -> None:
    """Has what is large go back to the system as soon as it is freed.

    Otherwise glibc learns to keep blocks as large as requests are: 16 of 5 MiB at once then take
    140 MiB more. With another C library it does nothing.
    """
    mallopt = _c_function("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)


async def give_back_regularly() -> None:
    """Gives back, for as long as it runs, what the allocator holds and nobody uses.

    glibc keeps most of what gRPC's threads freed, the whole burst, for good. Where there is
    nothing to give back it costs half a millisecond. With another C library it does nothing.
    """
    trim = _c_function("malloc_trim")
    while trim is not None:
        await asyncio.sleep(_TRIM_SECONDS)
        await asyncio.to_thread(trim, 0)


def _c_function(name: str) -> Callable[..., int] | None:
    try:
        return cast("Callable[..., int]", getattr(ctypes.CDLL(None), name))
    except (AttributeError, OSError, TypeError):
        return None
