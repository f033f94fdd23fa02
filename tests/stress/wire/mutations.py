"""Bytes that are almost a protobuf message, made from valid ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

_VARINT, _LENGTH_DELIMITED, _GROUP_START, _GROUP_END = 0, 2, 3, 4
_MOST_BYTES: Final = 64 * 1024
_SHIFTS: Final = (0, 0, 1, 7, 14, 24, 31, 56)
_INTERESTING: Final = (0, 1, 0x7F, 0x80, 0xFF)


def mutated(generator: random.Random, corpus: Sequence[bytes]) -> bytes:
    """Returns an entry of the corpus with a few mutations or, rarely, random bytes."""
    if generator.random() < 0.05:
        return generator.randbytes(generator.randrange(200))
    data = generator.choice(corpus)
    for _ in range(generator.choice((1, 1, 1, 2, 3, 6))):
        # Random changes rarely leave a message that gets past the parser.
        well_formed = generator.random() < 0.6
        mutation = _change_a_field if well_formed else generator.choice(_MUTATIONS)
        data = mutation(generator, data, corpus)[:_MOST_BYTES]
    return data


def varint(value: int) -> bytes:
    """Returns a number in protobuf's encoding."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _change_a_field(generator: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    """Changes one field at any depth, and keeps the enclosing lengths right."""
    fields = _split(data)
    if not fields:
        return generator.choice(corpus)
    index = generator.randrange(len(fields))
    tag, value = fields[index]
    match generator.randrange(8):
        case 0:
            del fields[index]
        case 1:
            fields.insert(generator.randrange(len(fields) + 1), (tag, value))
        case 2:
            generator.shuffle(fields)
        case 3:
            fields[index] = (generator.randint(1, 12) << 3 | tag & 7, value)
        case _ if tag & 7 == _VARINT:
            fields[index] = (
                tag,
                varint(generator.choice(_INTERESTING) << generator.choice(_SHIFTS)),
            )
        case _ if tag & 7 == _LENGTH_DELIMITED:
            _, begin = _read_varint(value, 0)
            inner = _change_a_value(generator, value[begin:], corpus)
            fields[index] = (tag, varint(len(inner)) + inner)
        case _:
            fields[index] = (tag, generator.randbytes(len(value)))
    return b"".join(varint(tag) + value for tag, value in fields)


def _change_a_value(generator: random.Random, value: bytes, corpus: Sequence[bytes]) -> bytes:
    """Changes a length-delimited value: a message, text or packed numbers."""
    if _split(value) and generator.random() < 0.7:
        return _change_a_field(generator, value, corpus)
    kinds = (_flip_bits, _set_bytes, _truncate, _cut_out, _repeat, _insert_random)
    return generator.choice(kinds)(generator, value, corpus)[:_MOST_BYTES]


def _split(data: bytes) -> list[tuple[int, bytes]]:
    """Returns each field's tag and encoded value; an empty list if it is not a message."""
    fields = []
    position = 0
    try:
        while position < len(data):
            tag, begin = _read_varint(data, position)
            match tag & 7:
                case 0:
                    _, position = _read_varint(data, begin)
                case 1:
                    position = begin + 8
                case 2:
                    length, position = _read_varint(data, begin)
                    position += length
                case 5:
                    position = begin + 4
                case _:
                    return []
            fields.append((tag, data[begin:position]))
    except IndexError:
        return []
    return fields if position == len(data) else []


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


_Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def _flip_bits(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(generator.randint(1, 4)):
        changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _set_bytes(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(generator.randint(1, 4)):
        changed[generator.randrange(len(changed))] = generator.choice(_INTERESTING)
    return bytes(changed)


def _truncate(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    return data[: generator.randrange(len(data) + 1)]


def _cut_out(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    begin, end = _range(generator, data)
    return data[:begin] + data[end:]


def _repeat(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    begin, end = _range(generator, data)
    return data[:begin] + data[begin:end] * generator.choice((2, 3, 20, 1000)) + data[end:]


def _splice(generator: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    other = generator.choice(corpus)
    begin, end = _range(generator, other)
    return _insert(generator, data, other[begin:end])


def _concatenate(generator: random.Random, data: bytes, corpus: Sequence[bytes]) -> bytes:
    return data + generator.choice(corpus)


def _insert_random(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    return _insert(generator, data, generator.randbytes(generator.randint(1, 20)))


def _grow_a_length(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Replaces a byte, which may be a length, with a much larger number."""
    index = generator.randrange(len(data) + 1)
    larger = varint(1 << generator.choice((7, 14, 21, 28, 31, 32, 35, 63)))
    return data[:index] + larger + data[index + 1 :]


def _huge_varint(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    field = varint(generator.randint(1, 12) << 3)
    value = generator.choice(
        (varint((1 << 64) - 1), varint(1 << 63), varint(1 << 32), b"\xff" * 10, b"\x80" * 30)
    )
    return _at_the_end(generator, data, field + value)


def _unknown_field(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    number = generator.choice((15, 16, 100, 19_000, (1 << 29) - 1, 0))
    wire_type = generator.randrange(8)
    field = varint(number << 3 | wire_type)
    return _at_the_end(generator, data, field + generator.randbytes(generator.randrange(12)))


def _group(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Adds nested groups that end, do not end, or end with another number."""
    number = generator.choice((1, 2, 3, 15, 1000))
    depth = generator.choice((1, 3, 99, 101, 5000))
    begin = varint(number << 3 | _GROUP_START)
    end = varint((number + generator.choice((0, 0, 1))) << 3 | _GROUP_END)
    return _at_the_end(generator, data, begin * depth + end * generator.choice((depth, 0, 1)))


def _nest(generator: random.Random, data: bytes, _corpus: Sequence[bytes]) -> bytes:
    """Nests a message repeatedly as a field of itself."""
    tag = varint(generator.randint(1, 6) << 3 | _LENGTH_DELIMITED)
    for _ in range(generator.choice((1, 2, 50, 110, 500))):
        data = tag + varint(len(data)) + data
        if len(data) > _MOST_BYTES:
            break
    return data


_MUTATIONS: Final[tuple[_Mutation, ...]] = (
    _flip_bits,
    _set_bytes,
    _truncate,
    _cut_out,
    _repeat,
    _splice,
    _concatenate,
    _insert_random,
    _grow_a_length,
    _huge_varint,
    _unknown_field,
    _group,
    _nest,
)


def _range(generator: random.Random, data: bytes) -> tuple[int, int]:
    begin = generator.randrange(len(data) + 1)
    return begin, min(len(data), begin + generator.choice((1, 2, 4, 16, 256)))


def _insert(generator: random.Random, data: bytes, more: bytes) -> bytes:
    index = generator.randrange(len(data) + 1)
    return data[:index] + more + data[index:]


def _at_the_end(generator: random.Random, data: bytes, more: bytes) -> bytes:
    """Adds a field after all others or before them."""
    return more + data if generator.random() < 0.3 else data + more
