"""A recording server, and both clients behind one interface."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Self

import pytest

from harmony_client import AsyncClient, Client

from .recording_server import RecordingServer


class Blocking:
    """An object whose coroutine methods block."""

    def __init__(self, runner: asyncio.Runner, target: Any) -> None:
        self._runner = runner
        self._target = target

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._target, name)
        if not inspect.iscoroutinefunction(method):
            return method
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._runner.run(self._target.__aexit__(*exception))


class BlockingAsyncClient(Blocking):
    """An AsyncClient whose methods block, so that one test can cover both clients."""

    def __init__(self, target: str, **settings: Any) -> None:
        runner = asyncio.Runner()

        async def make() -> AsyncClient:
            return AsyncClient(target, **settings)

        super().__init__(runner, runner.run(make()))

    def close(self) -> None:
        """Closes the client, then its loop."""
        self._runner.run(self._target.close())
        self._runner.close()

    def open_parse(self, *args: Any, **kwargs: Any) -> Blocking:
        """Opens a stream whose methods block."""
        return Blocking(self._runner, self._target.open_parse(*args, **kwargs))

    def batch(self, **kwargs: Any) -> Blocking:
        """Opens a batch whose methods block."""
        return Blocking(self._runner, self._target.batch(**kwargs))

    def stream_answer(self, *args: Any, **kwargs: Any) -> Blocking:
        """Opens a stream of an answer whose methods block."""
        return Blocking(self._runner, self._target.stream_answer(*args, **kwargs))

    def stream_answer_batch(self, **kwargs: Any) -> Blocking:
        """Opens a batch of answers whose methods block."""
        return Blocking(self._runner, self._target.stream_answer_batch(**kwargs))

    def parse(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Yields the events of a completion."""
        events = self._target.parse(*args, **kwargs)

        async def read_next() -> Any:
            return await anext(events, None)

        while (event := self._runner.run(read_next())) is not None:
            yield event


@pytest.fixture
def recording_server() -> Iterator[RecordingServer]:
    """A server that is not listening yet."""
    server = RecordingServer()
    yield server
    server.stop()


@pytest.fixture
def recorder(recording_server: RecordingServer) -> RecordingServer:
    """A server that is listening."""
    recording_server.start("127.0.0.1:0")
    return recording_server


@pytest.fixture(params=[Client, BlockingAsyncClient], ids=["sync", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Makes clients of either kind with the arguments of `Client`; closes them after the test."""
    with ExitStack() as stack:

        def make(target: str, **settings: Any) -> Client:
            client: Client = request.param(target, **settings)
            stack.callback(client.close)
            return client

        yield make
