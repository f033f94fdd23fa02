"""Messages encoded by hand have the same bytes as protobuf's."""

import pytest

from harmony_client.v1 import parse_pb2
from harmony_server.contract import wire


@pytest.mark.parametrize("character", ["a", "é", "漢", "😀"])
def test_a_delta(character: str) -> None:
    """A response with one delta matches protobuf for lengths of one byte and of several."""
    for length in range(1, 300):
        text = character * length
        response = parse_pb2.ParseResponse()
        response.events.add().delta.text = text
        assert wire.write_delta_response(text) == response.SerializeToString()


def test_packed_parts_match_one_list() -> None:
    """Packing parts gives the bytes of one list: small, large, empty or no parts."""
    for sizes in ([], [0], [1, 2, 0, 3], [20_000, 1, 40_000, 5]):
        parts = [[200_000 + size % 1000] * size for size in sizes]
        expected = wire.pack_tokens([token for part in parts for token in part])
        assert wire.pack_parts(parts) == expected
