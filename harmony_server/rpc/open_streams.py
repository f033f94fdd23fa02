"""The streams that are open, so that a server that stops, or a bound, can end them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from ..operations.errors import Reason, RequestError, limit_exceeded
from .statuses import abort

_STOPPING = RequestError(Reason.SERVER_STOPPING, "the server is stopping")

# How often an idle stream is looked at before it is ended.
_LOOKS = 4


class Activity:
    """An open stream: the task of its handler, and whether it is used.

    Attributes:
        busy: Whether a request of it is at work in a thread, or waits for one; the handler sets it.
        looks: How often `end_idle` has looked at it since the last request; the handler clears it.
        failure: Why the stream is ended from outside, or None.
    """

    __slots__ = ("busy", "failure", "looks", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.busy = False
        self.looks = 0
        self.failure: RequestError | None = None


class OpenStreams:
    """Streams of one kind."""

    def __init__(self) -> None:
        self._open: set[Activity] = set()

    def containing(self, context: grpc.aio.ServicerContext[Any, Any]) -> _Containing:
        """Counts the stream of the current task as open, until `end` or the block's end."""
        return _Containing(self._open, context)

    def end(self) -> None:
        """Ends every open stream with UNAVAILABLE, reason SERVER_STOPPING."""
        for stream in self._open:
            _end(stream, _STOPPING)

    async def end_idle(self, seconds: float) -> None:
        """Ends, for as long as it runs, each stream that is idle for so many seconds."""
        idle = limit_exceeded("stream_idle_timeout_seconds", seconds)
        while True:
            # A stream is ended at most a quarter later than it could be. No clock says when: it
            # would go on while the process is stopped, and requests of clients wait unread.
            await asyncio.sleep(seconds / _LOOKS)
            for stream in self._open:
                stream.looks += not stream.busy
                if stream.looks > _LOOKS:
                    _end(stream, idle)


class _Containing:
    """Has a stream among the open ones; a generator would take more memory."""

    __slots__ = ("_context", "_open", "_stream")

    def __init__(self, streams: set[Activity], context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self._open = streams
        self._context = context

    async def __aenter__(self) -> Activity:
        task = asyncio.current_task()
        assert task is not None, "gRPC runs handlers in tasks"
        self._stream = Activity(task)
        self._open.add(self._stream)
        return self._stream

    async def __aexit__(
        self, _type: object, error: BaseException | None, _traceback: object
    ) -> None:
        stream = self._stream
        try:
            if isinstance(error, asyncio.CancelledError) and stream.failure is not None:
                # Left to gRPC, a cancelled handler is a traceback on standard error.
                stream.task.uncancel()
                await abort(self._context, stream.failure)
        finally:
            self._open.discard(stream)


def _end(stream: Activity, failure: RequestError) -> None:
    if stream.failure is None:
        stream.failure = failure
        stream.task.cancel()
