"""The limit on the bytes in progress at a time."""

from __future__ import annotations

import asyncio
import contextlib

from harmony_server.operations.byte_budget import ByteBudget


class _Work:
    """Requests that hold their bytes until they are told to end."""

    def __init__(self, maximum: int) -> None:
        self.in_progress: list[int] = []
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
            self.in_progress.append(size)
            try:
                await self._ends[size].wait()
            finally:
                self.in_progress.remove(size)

    async def _settled(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_no_more_than_the_budget_is_in_progress() -> None:
    """Requests that do not fit wait in order of arrival; small ones do not overtake a large one."""
    work = _Work(10)
    await work.begin(4, 5, 6, 1)
    assert work.in_progress == [4, 5]
    await work.end(4)
    assert work.in_progress == [5]
    await work.end(5)
    assert work.in_progress == [6, 1]


async def test_a_request_larger_than_the_budget_runs_alone() -> None:
    """It waits for all requests before it, and later ones wait for it."""
    work = _Work(10)
    await work.begin(1, 50, 2)
    assert work.in_progress == [1]
    await work.end(1)
    assert work.in_progress == [50]
    await work.end(50)
    assert work.in_progress == [2]


async def test_a_cancelled_request_frees_its_bytes() -> None:
    """A request cancelled in progress, while waiting or as its turn comes lets the next one in."""
    work = _Work(10)
    await work.begin(10, 9, 8, 7)
    await work.cancel(9)
    await work.cancel(10)
    assert work.in_progress == [8]
    work.end_soon(8)
    # 8 ends in the next pass of the event loop, which gives 7 its turn.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    work.cancel_soon(7)
    await work.begin(6)
    await work.begin(4)
    assert work.in_progress == [6, 4]
