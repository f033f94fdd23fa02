"""Returns memory to the system after a burst of large requests. Needs glibc, else does nothing."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import cast

_TRIM_SECONDS = 10.0
# From glibc's malloc.h.
_M_MMAP_THRESHOLD = -3
# glibc's default; setting it stops glibc from raising it, up to 32 MiB, as blocks are freed.
_MMAP_BYTES = 128 * 1024


def return_large_blocks() -> None:
    """Makes glibc return large blocks to the system as soon as they are freed.

    By default glibc starts to keep blocks of the size of large requests: 16 concurrent requests of
    5 MiB then take 140 MiB more.
    """
    mallopt = _c_function("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)


async def trim_regularly() -> None:
    """Returns the allocator's free memory to the system every 10 seconds, until cancelled.

    Otherwise glibc keeps most of what gRPC's threads freed after a burst, for good. With nothing to
    return, a round costs half a millisecond.
    """
    malloc_trim = _c_function("malloc_trim")
    while malloc_trim is not None:
        await asyncio.sleep(_TRIM_SECONDS)
        await asyncio.to_thread(malloc_trim, 0)


def _c_function(name: str) -> Callable[..., int] | None:
    try:
        return cast("Callable[..., int]", getattr(ctypes.CDLL(None), name))
    except (AttributeError, OSError, TypeError):
        return None
