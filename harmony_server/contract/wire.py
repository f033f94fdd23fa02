"""Reads and writes protobuf's wire format directly where building messages would cost more.

The packed tokens of a conversation are those of its messages, joined, and the cache finds a
rendered message by its serialized bytes: both need only the lengths of fields. Most responses of a
Parse stream hold the text of one token.
"""

from collections.abc import Iterable, Sequence

from harmony_client.v1 import parse_pb2

from ..bounds import MAX_PACKED_TOKENS_AT_ONCE

_VARINT, _FIXED64, _LENGTH_DELIMITED, _FIXED32 = 0, 1, 2, 5
# Protobuf refuses longer tags and lengths, and field number 0.
_MAX_SHORT_BYTES, _MAX_TAG = 5, 0xFFFF_FFFF
_FIRST_TAG = 1 << 3
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
# Field 1, length-delimited: the packed tokens of every render response.
_TOKENS_TAG = b"\x0a"
# ContentDelta.text, ParseEvent.delta and ParseResponse.events, innermost first.
_DELTA_TAGS = (b"\x0a", b"\x12", b"\x0a")
_CONTINUATION_BYTES = bytes(range(0x80, 0x100))


class WireError(ValueError):
    """Bytes that are not a message in the wire format, or that only protobuf can judge."""


def split_field(data: bytes, number: int) -> tuple[list[bytes], bytes]:
    """Separates a length-delimited field from the rest of a message.

    Args:
        data: A serialized message.
        number: The number of the field.

    Returns:
        The values of the field, in order, and the message without them.

    Raises:
        WireError: The bytes are not a message, or the message has groups.
    """
    wanted = number << 3 | _LENGTH_DELIMITED
    values, rest = [], []
    position, size = 0, len(data)
    while position < size:
        begin = position
        # Nearly every tag has one byte.
        tag, position = data[position], position + 1
        if tag >= 0x80:
            tag, position = _read_varint(data, begin, _MAX_SHORT_BYTES)
        if tag == wanted:
            length, position = _read_varint(data, position, _MAX_SHORT_BYTES)
            values.append(data[position : position + length])
            position += length
        elif not _FIRST_TAG <= tag <= _MAX_TAG:
            raise WireError("a field number that does not exist")
        else:
            position = _skip_value(data, position, tag & 7)
            rest.append(data[begin:position])
    if position > size:
        raise WireError("truncated")
    return values, b"".join(rest)


def pack_tokens(tokens: Sequence[int]) -> bytes:
    """Returns the value of a packed field that holds the tokens, without tag and length."""
    return b"".join(
        _pack_at_once(tokens[begin : begin + MAX_PACKED_TOKENS_AT_ONCE])
        for begin in range(0, len(tokens), MAX_PACKED_TOKENS_AT_ONCE)
    )


def pack_parts(parts: Iterable[Sequence[int]]) -> bytes:
    """Packs tokens that come in parts, small parts together because that costs less."""
    packed: list[bytes] = []
    tokens: list[int] = []
    for part in parts:
        tokens += part
        if len(tokens) >= MAX_PACKED_TOKENS_AT_ONCE:
            packed.append(pack_tokens(tokens))
            tokens.clear()
    return b"".join((*packed, pack_tokens(tokens)))


def count_tokens(packed: bytes) -> int:
    """Returns the number of packed tokens."""
    # Every varint has one last byte.
    return len(packed.translate(None, _CONTINUATION_BYTES))


def write_tokens_response(packed: bytes) -> bytes:
    """Returns a render response, or any message whose field 1 is packed tokens."""
    return _write_field(_TOKENS_TAG, packed) if packed else b""


def write_prompt_response(packed: bytes, rest_of_prompt: bytes) -> bytes:
    """Returns a response whose field 1 is a Prompt of the OpenAI layer.

    Args:
        packed: The packed tokens of the prompt.
        rest_of_prompt: The serialized Prompt without its tokens.
    """
    return _write_field(_TOKENS_TAG, _write_field(_TOKENS_TAG, packed) + rest_of_prompt)


def write_columns(number: int, columns: Iterable[bytes]) -> bytes:
    """Returns a field that is a message of packed columns, whose fields count from 1.

    Args:
        number: The number of the field, at most 15.
        columns: The packed columns; empty ones are left out.
    """
    value = b"".join(
        _write_field(bytes([column << 3 | _LENGTH_DELIMITED]), packed)
        for column, packed in enumerate(columns, 1)
        if packed
    )
    return _write_field(bytes([number << 3 | _LENGTH_DELIMITED]), value)


def write_packed(number: int, packed: bytes) -> bytes:
    """Returns a packed field, or nothing if it is empty.

    Args:
        number: The number of the field, at most 15.
        packed: The packed values.
    """
    return _write_field(bytes([number << 3 | _LENGTH_DELIMITED]), packed) if packed else b""


def write_delta_response(text: str) -> bytes:
    """Returns a ParseResponse with one event, a delta."""
    data = text.encode()
    if len(data) < len(_DELTA_HEADS):
        return _DELTA_HEADS[len(data)] + data
    return _write_delta_response(data)


def _write_delta_response(data: bytes) -> bytes:
    for tag in _DELTA_TAGS:
        data = _write_field(tag, data)
    return data


def _write_field(tag: bytes, value: bytes) -> bytes:
    return b"".join((tag, _write_varint(len(value)), value))


def _pack_at_once(tokens: Sequence[int]) -> bytes:
    # The tokens are field 1 of the message; drop its tag and length.
    message = parse_pb2.TokenIds(tokens=tokens).SerializeToString()
    _, begin = _read_varint(message, len(_TOKENS_TAG))
    return message[begin:]


def _skip_value(data: bytes, position: int, wire_type: int) -> int:
    """Returns the end of the value at `position`."""
    if wire_type == _LENGTH_DELIMITED:
        length, position = _read_varint(data, position, _MAX_SHORT_BYTES)
        return position + length
    if wire_type == _VARINT:
        return _read_varint(data, position)[1]
    if wire_type in _FIXED_SIZES:
        return position + _FIXED_SIZES[wire_type]
    raise WireError("a group")


def _read_varint(data: bytes, position: int, most_bytes: int = 10) -> tuple[int, int]:
    """Returns the varint at `position`, of at most so many bytes, and its end."""
    # Most lengths have one or two bytes.
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
    for byte in data[position + 2 : position + most_bytes]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position + shift // 7
    raise WireError("truncated or overlong varint")


def _write_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


# The bytes of a delta response before the text, by the length of the text in bytes.
_DELTA_HEADS = [_write_delta_response(bytes(size))[: -size or None] for size in range(100)]
