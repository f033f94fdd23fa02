"""A server with the OpenAI layer, and ways to reach it."""

from collections.abc import Iterator

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client import Client
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub


@pytest.fixture(scope="session")
def openai_address() -> Iterator[str]:
    """The address of a server that all tests of this suite share."""
    with running_server("--openai", "--listen", "127.0.0.1:0") as (_, address):
        yield address


@pytest.fixture(scope="session")
def channel(openai_address: str) -> Iterator[grpc.Channel]:
    """A channel to the server."""
    with grpc.insecure_channel(openai_address) as opened:
        yield opened


@pytest.fixture(scope="session")
def stub(channel: grpc.Channel) -> OpenAIServiceStub:
    """A stub of the second service."""
    return OpenAIServiceStub(channel)


@pytest.fixture(scope="session")
def client(openai_address: str) -> Iterator[Client]:
    """The Python client."""
    with Client(openai_address) as connected:
        yield connected
