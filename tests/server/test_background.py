"""Work beside the serving."""

import asyncio
import logging

import pytest

from harmony_server.process import background


async def _fail() -> None:
    raise KeyError("what nobody expected")


async def test_a_failure_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for such work: only the log can say that it is done no more."""
    task = background.start(_fail())
    await asyncio.wait([task])
    await asyncio.sleep(0)
    [record] = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "background task failed")


async def test_its_end_is_nothing_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    """Work that is cancelled, as at a stop, is not mentioned."""
    task = background.start(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert caplog.records == []
