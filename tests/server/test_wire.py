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


@pytest.mark.parametrize(
    "data",
    [
        "8a8080808080808080000100",
        "8a80808080800000",
        "0a808080808000",
        "0000",
        "0200",
        "8a8080807000",
    ],
)
def test_what_protobuf_refuses_is_left_to_protobuf(data: str) -> None:
    """Overlong tags and lengths, and field number 0, are not split."""
    with pytest.raises(wire.WireError):
        wire.split_field(bytes.fromhex(data), 1)
