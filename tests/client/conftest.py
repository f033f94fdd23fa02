"""A recording server, and both clients behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from harmony_client import AsyncClient, Client

from .recording_server import RecordingServer


class BlockingAsyncClient:
    """An AsyncClient whose methods block, so that one test can cover both clients."""

    def __init__(self, target: str, **settings: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = self._runner.run(self._make(target, settings))

    @staticmethod
    async def _make(target: str, settings: dict[str, Any]) -> AsyncClient:
        return AsyncClient(target, **settings)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)
        return lambda *args, **kwargs: self._runner.run(method(*args, **kwargs))

    def close(self) -> None:
        """Closes the client, then its loop."""
        self._runner.run(self._client.close())
        self._runner.close()


@pytest.fixture
def recording_server() -> Iterator[RecordingServer]:
    """A server that does not listen yet."""
    server = RecordingServer()
    yield server
    server.stop()


@pytest.fixture
def recorder(recording_server: RecordingServer) -> RecordingServer:
    """A server that listens."""
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
