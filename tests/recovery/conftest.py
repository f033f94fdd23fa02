"""A connection to the session's server, for malformed outputs that go through the RPCs."""

from collections.abc import Iterator

import grpc
import pytest

from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub


@pytest.fixture(scope="session")
def stub(server_address: str) -> Iterator[HarmonyServiceStub]:
    """A stub of the session's server."""
    with grpc.insecure_channel(server_address) as channel:
        yield HarmonyServiceStub(channel)
