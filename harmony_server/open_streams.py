"""The streams that are open, so that a server that stops can tell them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from .request_error import RequestError

_STOPPING = RequestError(grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING", "the server is stopping")


class OpenStreams:
    """Streams of one kind, each of which has its handler's task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ending = False

    @contextlib.asynccontextmanager
    async def containing(self, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
        """Counts the stream of the current task as open; ends it with a status at `end`."""
        task = asyncio.current_task()
        assert task is not None, "gRPC runs handlers in tasks"
        self._tasks.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self._ending:
                raise
            # Left to gRPC, a cancelled handler is a traceback on standard error.
            task.uncancel()
            await _STOPPING.abort(context)
        finally:
            self._tasks.discard(task)

    def end(self) -> None:
        """Ends every open stream with UNAVAILABLE, reason SERVER_STOPPING."""
        self._ending = True
        for task in self._tasks:
            task.cancel()
