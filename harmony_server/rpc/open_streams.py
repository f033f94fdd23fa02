"""The open streams, so that a server that stops, or a limit, can end them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from ..operations.errors import Reason, RequestError, limit_exceeded
from .statuses import abort

_STOPPING = RequestError(Reason.SERVER_STOPPING, "the server is stopping")

# Ticks of the timeout after which an idle stream is ended.
_IDLE_TICKS = 4


class OpenStream:
    """An open stream: the task of its handler, and whether it is in use.

    Attributes:
        busy: Whether a request of it is in a thread or waits for one; the handler sets it.
        idle_ticks: How many ticks have passed since its last request; the handler clears it.
        failure: Why it is ended from outside, or None.
    """

    __slots__ = ("busy", "failure", "idle_ticks", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.busy = False
        self.idle_ticks = 0
        self.failure: RequestError | None = None


class OpenStreams:
    """Streams of one kind."""

    def __init__(self) -> None:
        self._open: set[OpenStream] = set()

    def registered(self, context: grpc.aio.ServicerContext[Any, Any]) -> _Registered:
        """Registers the stream of the current task for as long as the block runs.

        If it is ended meanwhile, the block is cancelled and the RPC gets the status.
        """
        return _Registered(self._open, context)

    def end(self) -> None:
        """Ends every open stream with UNAVAILABLE, reason SERVER_STOPPING."""
        for stream in self._open:
            _end(stream, _STOPPING)

    async def end_idle(self, seconds: float) -> None:
        """Ends, while it runs, each stream that has been idle for `seconds`, or a quarter more."""
        idle = limit_exceeded("stream_idle_timeout_seconds", seconds)
        while True:
            # Ticks and not a clock: a clock runs on while the process is stopped and its clients'
            # requests wait.
            await asyncio.sleep(seconds / _IDLE_TICKS)
            for stream in self._open:
                stream.idle_ticks += not stream.busy
                if stream.idle_ticks > _IDLE_TICKS:
                    _end(stream, idle)


class _Registered:
    """Registers a stream; a generator would take more memory."""

    __slots__ = ("_context", "_open", "_stream")

    def __init__(
        self, streams: set[OpenStream], context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        self._open = streams
        self._context = context

    async def __aenter__(self) -> OpenStream:
        task = asyncio.current_task()
        assert task is not None, "gRPC runs handlers in tasks"
        self._stream = OpenStream(task)
        self._open.add(self._stream)
        return self._stream

    async def __aexit__(
        self, _type: object, error: BaseException | None, _traceback: object
    ) -> None:
        stream = self._stream
        try:
            if isinstance(error, asyncio.CancelledError) and stream.failure is not None:
                # Left to gRPC, a cancelled handler prints a traceback.
                stream.task.uncancel()
                await abort(self._context, stream.failure)
        finally:
            self._open.discard(stream)


def _end(stream: OpenStream, failure: RequestError) -> None:
    if stream.failure is None:
        stream.failure = failure
        stream.task.cancel()
