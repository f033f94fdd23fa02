"""A connection to the session's server, through the generated stub."""

import pathlib
import tempfile
from collections.abc import Iterator

import grpc
import pytest

from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub


@pytest.fixture(scope="session")
def channel(server_address: str) -> Iterator[grpc.Channel]:
    """A channel to the session's server."""
    with grpc.insecure_channel(server_address) as opened:
        yield opened


@pytest.fixture(scope="session")
def stub(channel: grpc.Channel) -> HarmonyServiceStub:
    """A stub of the session's server."""
    return HarmonyServiceStub(channel)


@pytest.fixture
def sockets() -> Iterator[pathlib.Path]:
    """A folder for Unix sockets with a short path, as the system requires."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as folder:
        yield pathlib.Path(folder)
