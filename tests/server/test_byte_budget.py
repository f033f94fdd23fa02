"""The bytes that are at work at a time."""

from __future__ import annotations

import asyncio
import contextlib

from harmony_server.operations.byte_budget import ByteBudget


class _Work:
    """Requests that hold a budget until they are told to end."""

    def __init__(self, maximum: int) -> None:
        self.at_work: list[int] = []
        self._budget = ByteBudget(maximum)
        self._ends: dict[int, asyncio.Event] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def begin(self, *sizes: int) -> None:
        for size in sizes:
            self._ends[size] = asyncio.Event()
            self._tasks[size] = asyncio.create_task(self._run(size))
        await self._settled()

    async def end(self, size: int) -> None:
        self._ends[size].set()
        await self._tasks[size]
        await self._settled()

    async def cancel(self, size: int) -> None:
        self._tasks[size].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tasks[size]
        await self._settled()

    def cancel_soon(self, size: int) -> None:
        self._tasks[size].cancel()

    def end_soon(self, size: int) -> None:
        self._ends[size].set()

    async def _run(self, size: int) -> None:
        async with self._budget.holding(size):
            self.at_work.append(size)
            try:
                await self._ends[size].wait()
            finally:
                self.at_work.remove(size)

    async def _settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_no_more_than_the_budget_is_at_work() -> None:
    """Who does not fit in waits, in the order of arrival: a large one is not passed by."""
    work = _Work(10)
    await work.begin(4, 5, 6, 1)
    assert work.at_work == [4, 5]
    await work.end(4)
    assert work.at_work == [5]
    await work.end(5)
    assert work.at_work == [6, 1]


async def test_one_larger_than_the_budget_is_at_work_alone() -> None:
    """It waits for all others, and they for it."""
    work = _Work(10)
    await work.begin(1, 50, 2)
    assert work.at_work == [1]
    await work.end(1)
    assert work.at_work == [50]
    await work.end(50)
    assert work.at_work == [2]


async def test_one_that_is_cancelled_takes_nothing() -> None:
    """Cancelled at work, while it waits, or in the moment of its turn: the next one goes on."""
    work = _Work(10)
    await work.begin(10, 9, 8, 7)
    await work.cancel(9)
    await work.cancel(10)
    assert work.at_work == [8]
    work.end_soon(8)
    # The event is noticed in the next round of the loop, and 7 has its turn in that round.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    work.cancel_soon(7)
    await work.begin(6)
    await work.begin(4)
    assert work.at_work == [6, 4]
