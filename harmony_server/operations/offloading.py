"""Decides where work is done: small work at once, large work in a thread, within bounds."""

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
from .limits import Limits

_Result = TypeVar("_Result")


class PreparedWork(NamedTuple, Generic[_Result]):
    """Work whose cost is known.

    Attributes:
        size: Its cost, in bytes of input that must be worked on.
        do: Does it and returns the result.
    """

    size: int
    do: Callable[[], _Result]


class Offloader:
    """Does work for an event loop without holding it up.

    Work in threads shares a budget of `limits.request_bytes` bytes, one largest request: text can
    take fifty times its size while it is tokenised. When a caller is cancelled, its work stops at
    the next `stop_if_abandoned`, and only then gives back its places.
    """

    def __init__(self, limits: Limits) -> None:
        self._large_requests = limits.large_requests
        self._budget = ByteBudget(limits.request_bytes)
        self._executor = concurrent.futures.ThreadPoolExecutor(
            bounds.THREADS, thread_name_prefix="harmony"
        )

    def close(self) -> None:
        """Gives the threads back."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def do_request(self, work: Callable[[], _Result], size: int) -> _Result:
        """Does the work of a unary request of `size` bytes.

        Raises:
            RequestError: LIMIT_EXCEEDED, it is large and too many large ones are in progress.
        """
        if size <= bounds.MAX_INLINE_UNARY_BYTES:
            return work()
        with self._large_requests.holding():
            return await self.do_in_thread(work, size)

    async def do_prepared_request(
        self, prepare: Callable[[], PreparedWork[_Result]], size: int
    ) -> _Result:
        """Does the work of a unary request whose cost only `prepare` can tell.

        Raises:
            RequestError: As `do_request`.
        """
        if size <= bounds.MAX_INLINE_CONVERSATION_BYTES:
            work = prepare()
            return await self.do_request(work.do, work.size)
        return await self.do_request(lambda: prepare().do(), size)

    async def do_in_thread(self, work: Callable[[], _Result], size: int) -> _Result:
        """Does work on `size` bytes in a thread, once the budget has room for it."""
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
                # The work's memory and its places are free only when the thread is, however often
                # the caller is cancelled.
                while not outcome.done():
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.wait([outcome])
                # Mark its exception as retrieved, or asyncio logs it.
                outcome.exception()
            raise
