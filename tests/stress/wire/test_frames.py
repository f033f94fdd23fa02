"""Bytes and frames that no gRPC client sends, over TCP, a Unix socket and TLS."""

from __future__ import annotations

import concurrent.futures
import random
from collections.abc import Iterator

import pytest

from tests.support import frames

from . import attacks
from .cases import generators, run_seed
from .rpcs import Rpc, every_rpc
from .transports import TRANSPORTS, Target, target
from .watched import MIB

_AT_ONCE = 8
# Each thread has an arena, and the allocator keeps what 5,000 calls held.
_MOST_GROWTH = 192 * MIB


@pytest.fixture(scope="module", params=TRANSPORTS)
def under_attack(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A server for this module, over each transport."""
    with target(request.param) as running:
        yield running


@pytest.mark.parametrize(
    "data",
    [*attacks.NOT_HTTP2.values(), *attacks.FRAMES.values(), *attacks.CALLS.values()],
    ids=[*attacks.NOT_HTTP2, *attacks.FRAMES, *attacks.CALLS],
)
def test_bytes_that_are_not_a_call(under_attack: Target, data: bytes) -> None:
    """After invalid bytes on one connection, the server still serves others."""
    with under_attack.connected() as connection:
        frames.send_all(connection, data)
    under_attack.server.check_answers()
    under_attack.server.check_log()


@pytest.mark.parametrize("data", attacks.FLOODS.values(), ids=attacks.FLOODS)
def test_floods(under_attack: Target, data: bytes) -> None:
    """During a flood other clients are served; afterwards its resources are released."""
    server = under_attack.server
    before = server.usage()
    with server.serving(), under_attack.connected() as connection:
        frames.send_all(connection, data, seconds=60)
    server.check_log()
    assert server.settled_descriptors(before.descriptors) <= before.descriptors
    assert server.usage().memory - before.memory < _MOST_GROWTH


def test_random_frames(under_attack: Target) -> None:
    """Mutated frames of valid calls do not harm the server or other clients."""
    server = under_attack.server
    before = server.usage()
    rpcs = every_rpc()
    cases = generators("frames", run_seed())

    def attack(generator: random.Random) -> None:
        with under_attack.connected() as connection:
            frames.send_all(connection, _conversation(generator, generator.choice(rpcs)))

    with server.serving(), concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
        for _ in threads.map(attack, cases):
            pass
    server.check_answers()
    server.check_log()
    assert server.settled_descriptors(before.descriptors) <= before.descriptors
    assert server.usage().memory - before.memory < _MOST_GROWTH


def _conversation(generator: random.Random, rpc: Rpc) -> bytes:
    """Returns the bytes of a few calls, with a few mutations."""
    parts = [frames.PREFACE, frames.settings()]
    for number in range(generator.randint(1, 4)):
        stream = 2 * number + 1
        body = b"".join(map(frames.grpc_message, generator.choice(rpc.calls)))
        parts.append(frames.open_call(stream, rpc.path))
        parts += [
            frames.data_frames(stream, part, end=False)
            for part in _cut(generator, body, generator.randint(1, 4))
        ]
        parts.append(frames.frame(frames.DATA, frames.END_STREAM, stream))
    for _ in range(generator.choice((1, 1, 2, 4, 8))):
        # Mostly keep the preface: without it the server reads nothing else.
        index = generator.randrange(0 if generator.random() < 0.1 else 1, len(parts))
        parts[index : index + 1] = _changed(generator, parts[index])
    data = b"".join(parts)
    return data[: generator.randrange(len(data) + 1)] if generator.random() < 0.2 else data


def _cut(generator: random.Random, data: bytes, count: int) -> list[bytes]:
    cuts = sorted(generator.randrange(len(data) + 1) for _ in range(count - 1))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _changed(generator: random.Random, part: bytes) -> list[bytes]:
    changed = bytearray(part or b"\0")
    match generator.randrange(8):
        case 0:  # gone
            return [b""]
        case 1:  # again
            return [part] * generator.choice((2, 2, 100))
        case 2:  # another frame before it
            random_frame = frames.frame(
                generator.randrange(12),
                generator.randrange(256),
                generator.choice((0, 1, 2, 3, 5, 0x7FFFFFFF)),
                generator.randbytes(generator.choice((0, 4, 5, 6, 8, 40))),
            )
            return [random_frame, part]
        case 3:  # noise before it
            return [generator.randbytes(generator.randint(1, 40)), part]
        case 4:  # cut short
            return [part[: generator.randrange(len(part) + 1)]]
        case 5:  # another head: length, kind, flags, stream
            for _ in range(generator.randint(1, 3)):
                changed[generator.randrange(min(9, len(changed)))] = generator.randrange(256)
        case _:  # other content
            for _ in range(generator.randint(1, 4)):
                changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    return [bytes(changed)]
