"""Background tasks."""

import asyncio
import logging

import pytest

from harmony_server.process import background


async def _fail() -> None:
    raise KeyError("unexpected")


async def test_a_failure_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """A background task that fails logs an error, since nothing awaits it."""
    task = background.start(_fail())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    [record] = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "background task failed")


async def test_a_cancelled_task_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A task that is cancelled, as at shutdown, logs nothing."""
    task = background.start(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert caplog.records == []
