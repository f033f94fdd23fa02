"""Limits the total size of the requests in progress, and thereby their memory."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator


class ByteBudget:
    """A number of bytes that requests in progress share; the others wait, first come first served.

    A request larger than the whole budget runs alone. Not thread-safe: use it in one event loop.

    Args:
        maximum: The budget, in bytes.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._free = maximum
        self._waiting: collections.deque[tuple[int, asyncio.Future[None]]] = collections.deque()

    @contextlib.asynccontextmanager
    async def holding(self, size: int) -> AsyncIterator[None]:
        """Holds `size` bytes of the budget during the block, after waiting for its turn.

        A caller that is cancelled while it waits leaves the queue and holds nothing.
        """
        size = min(size, self._maximum)
        await self.take(size)
        try:
            yield
        finally:
            self.give_back(size)

    async def take(self, size: int) -> None:
        """Takes `size` bytes of the budget, at most all of it, after waiting for its turn.

        A caller that is cancelled while it waits leaves the queue and takes nothing.
        """
        if size <= self._free and not self._waiting:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            # A cancellation can come after the turn, when the bytes are already taken.
            self.give_back(0 if turn.cancelled() else size)
            raise

    def give_back(self, size: int) -> None:
        """Gives back bytes that were taken."""
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
