"""Plays every vector against the server."""

import grpc
import pytest

from devtools.vector_files import FOLDER, Vector, read_vectors

from .playing import play


@pytest.mark.parametrize("transport", ["tcp", "unix"])
@pytest.mark.parametrize("vector", read_vectors(FOLDER), ids=lambda vector: vector.name)
def test_vector(channels: dict[str, grpc.Channel], vector: Vector, transport: str) -> None:
    """The server gives the vector's expected result over either transport."""
    assert play(channels[transport], vector) == []
