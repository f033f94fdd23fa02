"""Work that goes on beside the serving, for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_logger = logging.getLogger(__name__)


def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Starts work that ends when it is cancelled; should it fail before, the log says so."""
    task = asyncio.create_task(work)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.error("work in the background failed", exc_info=error)
