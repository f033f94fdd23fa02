"""How much may be at work at a time, by the bytes of the requests: what bounds memory."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator


class ByteBudget:
    """Lets requests of so many bytes be at work together; the others wait, first come first served.

    One that is larger than all of it is at work alone.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._free = maximum
        self._waiting: collections.deque[tuple[int, asyncio.Future[None]]] = collections.deque()

    @contextlib.asynccontextmanager
    async def holding(self, size: int) -> AsyncIterator[None]:
        """Has a request of `size` bytes at work for as long as the block, once it is its turn."""
        size = min(size, self._maximum)
        await self._take(size)
        try:
            yield
        finally:
            self._give_back(size)

    async def _take(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            # Cancelled when its turn had come, it has what it took; cancelled before, nothing.
            self._give_back(0 if turn.cancelled() else size)
            raise

    def _give_back(self, size: int) -> None:
        self._free += size
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            size, turn = self._waiting[0]
            if not turn.cancelled():
                if size > self._free:
                    return
                self._free -= size
                turn.set_result(None)
            self._waiting.popleft()
