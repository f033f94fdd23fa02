"""Protobuf's wire format, where reading and writing it by hand saves building the messages.

A rendered conversation is its messages' packed tokens one after the other, and a message that was
rendered before is known by its bytes: neither needs more than lengths to be read. A token of plain
text is most of what a Parse stream answers.
"""

from collections.abc import Iterable, Sequence

from harmony_client.v1 import parse_pb2

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
# The tag of field 1, length-delimited: packed tokens in every render response.
_TOKENS_TAG = b"\x0a"
# ContentDelta.text, ParseEvent.delta and ParseResponse.events, from the inside out.
_DELTA_TAGS = (b"\x0a", b"\x12", b"\x0a")
_BYTES_THAT_GO_ON = bytes(range(0x80, 0x100))
# Packed at once without letting go of the interpreter; more would hold up the event loop.
_TOKENS_AT_ONCE = 16_384


class WireError(ValueError):
    """Bytes that are not a message in the wire format, or one with groups."""


def split_field(data: bytes, number: int) -> tuple[list[bytes], bytes]:
    """Returns the values of a length-delimited field and the rest of the message without them.

    Raises:
        WireError: The bytes are no message.
    """
    wanted = number << 3 | _LENGTH_DELIMITED
    values, rest = [], []
    position, size = 0, len(data)
    while position < size:
        begin = position
        # Nearly every tag has one byte.
        tag, position = data[position], position + 1
        if tag >= 0x80:
            tag, position = _read_varint(data, begin)
        if tag == wanted:
            length, position = _read_varint(data, position)
            values.append(data[position : position + length])
            position += length
        else:
            position = _skip_value(data, position, tag & 7)
            rest.append(data[begin:position])
    if position > size:
        raise WireError("truncated")
    return values, b"".join(rest)


def pack_tokens(tokens: Sequence[int]) -> bytes:
    """Returns the tokens as a packed field has them, without tag and length."""
    return b"".join(
        _packed(tokens[begin : begin + _TOKENS_AT_ONCE])
        for begin in range(0, len(tokens), _TOKENS_AT_ONCE)
    )


def pack_parts(parts: Iterable[Sequence[int]]) -> bytes:
    """Packs tokens that come part by part: small parts together, which costs less."""
    packed: list[bytes] = []
    tokens: list[int] = []
    for part in parts:
        tokens += part
        if len(tokens) >= _TOKENS_AT_ONCE:
            packed.append(pack_tokens(tokens))
            tokens.clear()
    return b"".join((*packed, pack_tokens(tokens)))


def count_tokens(packed: bytes) -> int:
    """Returns how many tokens are packed: every varint has one byte that ends it."""
    return len(packed.translate(None, _BYTES_THAT_GO_ON))


def tokens_response(packed: bytes) -> bytes:
    """Returns a message whose field 1 is packed tokens: every render response."""
    return _field(_TOKENS_TAG, packed) if packed else b""


def delta_response(text: str) -> bytes:
    """Returns a ParseResponse whose one event is a delta."""
    data = text.encode()
    if len(data) < len(_DELTA_HEADS):
        return _DELTA_HEADS[len(data)] + data
    return _delta_response(data)


def _delta_response(data: bytes) -> bytes:
    for tag in _DELTA_TAGS:
        data = _field(tag, data)
    return data


def _field(tag: bytes, value: bytes) -> bytes:
    return b"".join((tag, _varint(len(value)), value))


def _packed(tokens: Sequence[int]) -> bytes:
    message = parse_pb2.TokenIds(tokens=tokens).SerializeToString()
    _, begin = _read_varint(message, len(_TOKENS_TAG))
    return message[begin:]


def _skip_value(data: bytes, position: int, wire_type: int) -> int:
    """Returns where the value at `position` ends."""
    if wire_type == _LENGTH_DELIMITED:
        length, position = _read_varint(data, position)
        return position + length
    if wire_type == _VARINT:
        return _read_varint(data, position)[1]
    if wire_type in _FIXED_SIZES:
        return position + _FIXED_SIZES[wire_type]
    raise WireError("a group")


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Returns the value and where it ends."""
    # Lengths of messages have one or two bytes.
    try:
        first = data[position]
        if first < 0x80:
            return first, position + 1
        second = data[position + 1]
    except IndexError:
        raise WireError("truncated") from None
    if second < 0x80:
        return first & 0x7F | second << 7, position + 2
    value, shift = first & 0x7F | (second & 0x7F) << 7, 14
    for byte in data[position + 2 : position + 10]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position + shift // 7
    raise WireError("truncated or overlong varint")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


# What stands before a text of so many bytes.
_DELTA_HEADS = [_delta_response(bytes(size))[: -size or None] for size in range(100)]
