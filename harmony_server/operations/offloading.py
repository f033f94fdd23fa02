"""Decides where work runs: small work at once, large work in a thread, within limits."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from .. import bounds
from .abandonment import abandonable
from .byte_budget import ByteBudget
from .inline_work import InlineWork, TooLargeInlineError
from .limits import Limits

_Result = TypeVar("_Result")


class PreparedWork(NamedTuple, Generic[_Result]):
    """Work whose cost is known.

    Attributes:
        size: The cost: bytes of input to process.
        do: Does the work and returns the result.
    """

    size: int
    do: Callable[[], _Result]


class Offloader:
    """Does work for an event loop without blocking it for long.

    Large work in threads shares a budget of `limits.request_bytes` bytes, the size of the largest
    request, because tokenising can take fifty times the text's size in memory.

    When a caller is cancelled, its work stops at the next `stop_if_abandoned`. Until then it keeps
    its share of the budget and counts as a large request.

    Args:
        limits: Gives the budget and limits the large requests.
    """

    def __init__(self, limits: Limits) -> None:
        self._large_requests = limits.large_requests
        self._budget = ByteBudget(limits.request_bytes)
        self._executor = concurrent.futures.ThreadPoolExecutor(
            bounds.THREADS, thread_name_prefix="harmony"
        )

    def close(self) -> None:
        """Drops work that waits for a thread, and ends each thread after its current work."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def do_request(self, work: Callable[[], _Result], size: int) -> _Result:
        """Does the work of a unary request of `size` bytes: inline if small, else in a thread.

        Small work that turns out to become large begins again in a thread.

        Raises:
            RequestError: LIMIT_EXCEEDED, the request is large and too many large ones are in
                progress.
        """
        if size <= bounds.MAX_INLINE_UNARY_BYTES:
            try:
                with InlineWork(bounds.MAX_INLINE_WORK):
                    return work()
            except TooLargeInlineError:
                pass
        return await self._do_large(work, size)

    async def do_prepared_request(
        self, prepare: Callable[[], PreparedWork[_Result]], size: int
    ) -> _Result:
        """Does the work of a unary request whose cost is unknown until it is prepared.

        Args:
            prepare: Returns the work; called in the thread if the request itself is large.
            size: The size of the request, in bytes.

        Raises:
            RequestError: As `do_request`.
        """
        if size <= bounds.MAX_INLINE_CONVERSATION_BYTES:
            try:
                with InlineWork(bounds.MAX_INLINE_WORK):
                    work = prepare()
            except TooLargeInlineError:
                pass
            else:
                return await self.do_request(work.do, work.size)
        return await self._do_large(lambda: prepare().do(), size)

    async def _do_large(self, work: Callable[[], _Result], size: int) -> _Result:
        with self._large_requests.holding():
            return await self.do_in_thread(work, size)

    async def do_in_thread(self, work: Callable[[], _Result], size: int) -> _Result:
        """Does work on `size` bytes in a thread, once the budget has room.

        Small work does not need the budget and never waits for it.
        """
        if size <= bounds.MAX_UNBUDGETED_BYTES:
            return await self._run(work)
        async with self._budget.holding(size):
            return await self._run(work)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        abandoned = threading.Event()

        def do() -> _Result:
            with abandonable(abandoned):
                return work()

        job = self._executor.submit(do)
        outcome = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            abandoned.set()
            if not job.cancel():
                # The work holds its memory until the thread is done, even if the caller is
                # cancelled again.
                while not outcome.done():
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.wait([outcome])
                # Mark its exception as retrieved; otherwise asyncio logs it.
                outcome.exception()
            raise
