"""Protobuf's wire format, where reading and writing it by hand saves building the messages.

A rendered conversation is its messages' packed tokens one after the other, and a message that was
rendered before is known by its bytes: neither needs more than lengths to be read.
"""

from collections.abc import Iterator, Sequence

from harmony_client.v1 import parse_pb2

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
# The tag of field 1, length-delimited: packed tokens in every render response.
_TOKENS_TAG = b"\x0a"
# Packed at once without letting go of the interpreter; more would hold up the event loop.
_TOKENS_AT_ONCE = 16_384


class WireError(ValueError):
    """Bytes that are not a message in the wire format, or one with groups."""


def split_field(data: bytes, number: int) -> tuple[list[bytes], bytes]:
    """Returns the values of a length-delimited field and the rest of the message without them.

    Raises:
        WireError: The bytes are no message.
    """
    values, rest, kept_from = [], [], 0
    for field, begin, value_begin, end in _fields(data):
        if field == number << 3 | _LENGTH_DELIMITED:
            values.append(data[value_begin:end])
            rest.append(data[kept_from:begin])
            kept_from = end
    rest.append(data[kept_from:])
    return values, b"".join(rest)


def pack_tokens(tokens: Sequence[int]) -> bytes:
    """Returns the tokens as a packed field has them, without tag and length."""
    return b"".join(
        _packed(tokens[begin : begin + _TOKENS_AT_ONCE])
        for begin in range(0, len(tokens), _TOKENS_AT_ONCE)
    )


def tokens_response(packed: bytes) -> bytes:
    """Returns a message whose field 1 is packed tokens: every render response."""
    return b"".join((_TOKENS_TAG, _varint(len(packed)), packed)) if packed else b""


def _packed(tokens: Sequence[int]) -> bytes:
    message = parse_pb2.TokenIds(tokens=tokens).SerializeToString()
    _, begin = _read_varint(message, len(_TOKENS_TAG))
    return message[begin:]


def _fields(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yields each field's tag, where it begins, where its value begins and where it ends."""
    position, size = 0, len(data)
    while position < size:
        begin = position
        tag, position = _read_varint(data, position)
        value_begin = position
        wire_type = tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, value_begin = _read_varint(data, position)
            position = value_begin + length
        elif wire_type == _VARINT:
            _, position = _read_varint(data, position)
        elif wire_type in _FIXED_SIZES:
            position += _FIXED_SIZES[wire_type]
        else:
            raise WireError("a group")
        if position > size:
            raise WireError("truncated")
        yield tag, begin, value_begin, position


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Returns the value and where it ends."""
    value = shift = 0
    for byte in data[position : position + 10]:
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise WireError("truncated or overlong varint")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
