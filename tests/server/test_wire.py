"""What is written in protobuf's wire format by hand is what protobuf writes."""

import pytest

from harmony_client.v1 import parse_pb2
from harmony_server import wire


@pytest.mark.parametrize("character", ["a", "é", "漢", "😀"])
def test_a_delta(character: str) -> None:
    """The response with one delta, for texts whose lengths take one byte, and for longer ones."""
    for length in range(1, 300):
        text = character * length
        response = parse_pb2.ParseResponse()
        response.events.add().delta.text = text
        assert wire.delta_response(text) == response.SerializeToString()
