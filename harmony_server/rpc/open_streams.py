"""Keeps track of open streams, to end them when they are idle or the server stops."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from ..contract.statuses import DOMAIN
from ..operations.errors import Reason, RequestError, limit_exceeded
from .statuses import abort

_STOPPING = RequestError(Reason.SERVER_STOPPING, "the server is stopping")

# How many times per timeout to check for idle streams.
_IDLE_TICKS = 4


class OpenStream:
    """An open stream.

    Attributes:
        task: The task of its handler.
        busy: Whether a request is in a thread or waits for one; the handler sets it.
        idle_ticks: The ticks since the last request; the handler resets it to 0.
        failure: Why the server ends the stream, or None.
    """

    __slots__ = ("busy", "failure", "idle_ticks", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.busy = False
        self.idle_ticks = 0
        self.failure: RequestError | None = None


class OpenStreams:
    """A set of open streams that are ended together."""

    def __init__(self) -> None:
        self._open: set[OpenStream] = set()

    def registered(
        self, context: grpc.aio.ServicerContext[Any, Any], domain: str = DOMAIN
    ) -> _Registered:
        """Returns an async context manager that registers the current task's stream.

        If the stream is ended during the block, the block is cancelled, and the RPC ends with the
        status of the reason, in the `domain`.
        """
        return _Registered(self._open, context, domain)

    def end(self) -> None:
        """Ends every open stream with UNAVAILABLE, reason SERVER_STOPPING."""
        for stream in self._open:
            _end(stream, _STOPPING)

    async def end_idle(self, seconds: float) -> None:
        """Ends each stream that has been idle for `seconds`, or up to a quarter longer.

        Runs until cancelled. The streams end with RESOURCE_EXHAUSTED, reason LIMIT_EXCEEDED.
        """
        idle = limit_exceeded("stream_idle_timeout_seconds", seconds)
        while True:
            # Count ticks: a clock would run on while the process is suspended and requests wait.
            await asyncio.sleep(seconds / _IDLE_TICKS)
            for stream in self._open:
                stream.idle_ticks += not stream.busy
                if stream.idle_ticks > _IDLE_TICKS:
                    _end(stream, idle)


class _Registered:
    """See `OpenStreams.registered`; a generator would take more memory."""

    __slots__ = ("_context", "_domain", "_open", "_stream")

    def __init__(
        self,
        streams: set[OpenStream],
        context: grpc.aio.ServicerContext[Any, Any],
        domain: str,
    ) -> None:
        self._open = streams
        self._context = context
        self._domain = domain

    async def __aenter__(self) -> OpenStream:
        # A first response that the client does not read would hold up these, and without them gRPC
        # sends no status either.
        await self._context.send_initial_metadata(())
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
                # gRPC prints a traceback for a cancelled handler.
                stream.task.uncancel()
                await abort(self._context, stream.failure, self._domain)
        finally:
            self._open.discard(stream)


def _end(stream: OpenStream, failure: RequestError) -> None:
    if stream.failure is None:
        stream.failure = failure
        stream.task.cancel()
