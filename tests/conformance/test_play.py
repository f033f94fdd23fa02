"""Plays every vector against the server."""

import pytest

from devtools.vector_files import FOLDER, Vector, read_vectors
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

from .playing import play


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("vector", read_vectors(FOLDER), ids=lambda vector: vector.name)
def test_vector(stubs: dict[str, HarmonyServiceStub], vector: Vector, transport: str) -> None:
    """The server gives the vector's expected result over either transport."""
    assert play(stubs[transport], vector) == []
