"""Limits the memory of responses that clients have not read yet."""

from __future__ import annotations

import asyncio

from .. import bounds
from ..settings import Settings
from .byte_budget import ByteBudget
from .errors import limit_exceeded

_MIB = 1024 * 1024
# gRPC copies a response, and the original lives as long.
_COPIES = 2


class UnreadResponses:
    """The responses that gRPC holds because their clients are slow, or never read.

    gRPC keeps them until the client reads, cancels or disconnects. A response that finds no room
    waits; one that waits too long, or waits with too many others, is refused.

    Use it in one event loop.
    """

    def __init__(self, settings: Settings) -> None:
        self._mib = settings.max_unread_mib
        self._budget = ByteBudget(self._mib * _MIB)
        self._waiting = 0
        self.bytes = 0

    async def take(self, size: int) -> int:
        """Waits until there is room for a response of `size` bytes and takes it.

        Returns:
            What to give back once the response has been read.

        Raises:
            RequestError: LIMIT_EXCEEDED, there is no room.
        """
        taken = min(size * _COPIES, self._mib * _MIB)
        if self._waiting + size > max(self._mib * _MIB // 2, size):
            raise limit_exceeded("max_unread_mib", self._mib)
        self._waiting += size
        try:
            async with asyncio.timeout(bounds.UNREAD_RESPONSE_SECONDS):
                await self._budget.take(taken)
        except TimeoutError:
            raise limit_exceeded("max_unread_mib", self._mib) from None
        finally:
            self._waiting -= size
        self.bytes += taken
        return taken

    def give_back(self, taken: int) -> None:
        """Gives back what `take` returned."""
        self.bytes -= taken
        self._budget.give_back(taken)
