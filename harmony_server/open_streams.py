"""The streams that are open, so that a server that stops, or a bound, can end them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc

from .limits import limit_exceeded
from .request_error import RequestError

_STOPPING = RequestError(grpc.StatusCode.UNAVAILABLE, "SERVER_STOPPING", "the server is stopping")


class Activity:
    """An open stream: the task of its handler, and when it was last used.

    Attributes:
        last: When the last request came, by the monotonic clock; the handler sets it.
        failure: Why the stream is ended from outside, or None.
    """

    __slots__ = ("failure", "last", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.last = time.monotonic()
        self.failure: RequestError | None = None


class OpenStreams:
    """Streams of one kind."""

    def __init__(self) -> None:
        self._open: set[Activity] = set()

    @contextlib.asynccontextmanager
    async def containing(
        self, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Activity]:
        """Counts the stream of the current task as open, until `end` or the block's end."""
        task = asyncio.current_task()
        assert task is not None, "gRPC runs handlers in tasks"
        stream = Activity(task)
        self._open.add(stream)
        try:
            yield stream
        except asyncio.CancelledError:
            if stream.failure is None:
                raise
            # Left to gRPC, a cancelled handler is a traceback on standard error.
            task.uncancel()
            await stream.failure.abort(context)
        finally:
            self._open.discard(stream)

    def end(self) -> None:
        """Ends every open stream with UNAVAILABLE, reason SERVER_STOPPING."""
        for stream in self._open:
            _end(stream, _STOPPING)

    async def end_idle(self, seconds: float) -> None:
        """Ends, for as long as it runs, each stream that is idle for so many seconds."""
        idle = limit_exceeded("stream_idle_timeout_seconds", seconds)
        while True:
            # A stream is ended at most a quarter later than it could be.
            await asyncio.sleep(seconds / 4)
            oldest = time.monotonic() - seconds
            for stream in self._open:
                if stream.last <= oldest:
                    _end(stream, idle)


def _end(stream: Activity, failure: RequestError) -> None:
    if stream.failure is None:
        stream.failure = failure
        stream.task.cancel()
