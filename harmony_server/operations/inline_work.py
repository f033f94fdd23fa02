"""Ends work in the event loop that turns out to be large, so that it can begin again in a thread.

The size of a request bounds what reading it costs, and not what it becomes: two bytes of a system
message stand for a thousand words.
"""

from __future__ import annotations

import contextvars
from types import TracebackType


class TooLargeInlineError(Exception):
    """The work is too large for the event loop; none of it has had an effect."""


class _Meter:
    __slots__ = ("room",)

    def __init__(self, room: int) -> None:
        self.room = room


_meter: contextvars.ContextVar[_Meter | None] = contextvars.ContextVar("meter", default=None)


class InlineWork:
    """Lets `count_inline` end the work of the block once it exceeds a size.

    A class, because every small request goes through it and a generator costs more.

    Args:
        maximum: The size, in the unit of `count_inline`.
    """

    __slots__ = ("_meter", "_token")

    def __init__(self, maximum: int) -> None:
        self._meter = _Meter(maximum)

    def __enter__(self) -> None:
        self._token = _meter.set(self._meter)

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        _meter.reset(self._token)


def count_inline(size: int) -> None:
    """Counts work of this thread, before it is done; does nothing outside `InlineWork`.

    Args:
        size: The size of the work: characters or tokens to write, or what takes as long.

    Raises:
        TooLargeInlineError: There is too much for the event loop.
    """
    meter = _meter.get()
    if meter is not None:
        meter.room -= size
        if meter.room < 0:
            raise TooLargeInlineError
