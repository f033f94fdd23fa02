"""Ten thousand connections, opened and dropped, leave nothing behind."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from typing import Final

import pytest

from tests.support import frames

from .cases import run_seed
from .watched import MIB, WatchedServer, check_answer, watched_server

pytestmark = pytest.mark.long

_CONNECTIONS: Final = 10_000
_AT_ONCE: Final = 100
# The first batches fill allocator and caches, which is not growth.
_WARM_UP: Final = 1_000
_MOST_GROWTH: Final = 32 * MIB

_ENCODE: Final = "/harmony.v1.HarmonyService/Encode"
_PARSE: Final = "/harmony.v1.HarmonyService/Parse"
_HELLO: Final = frames.grpc_message(b"\x0a\x05Hello")
_CONFIG: Final = frames.grpc_message(b"\x0a\x02\x08\x02")
_BEGIN: Final = frames.PREFACE + frames.settings()
# Closes with a reset, as the kernel of a crashed peer does.
_NO_LINGER: Final = struct.pack("ii", 1, 0)

_BEGINNINGS: Final = (
    b"",
    frames.PREFACE,
    _BEGIN,
    _BEGIN + frames.open_call(1, _ENCODE),
    _BEGIN + frames.open_call(1, _ENCODE) + frames.data_frames(1, _HELLO[:8], end=False),
    _BEGIN + frames.open_call(1, _ENCODE) + frames.data_frames(1, _HELLO),
    _BEGIN + frames.open_call(1, _PARSE) + frames.data_frames(1, _CONFIG, end=False),
    _BEGIN
    + b"".join(
        frames.open_call(stream, _PARSE) + frames.data_frames(stream, _CONFIG, end=False)
        for stream in range(1, 20, 2)
    ),
)


def test_connections_that_are_dropped() -> None:
    """Connections dropped at any stage release their resources; others are served meanwhile."""
    generator = random.Random(run_seed())
    with watched_server() as server:
        idle = server.usage()
        _open_and_drop(server, _WARM_UP, generator)
        assert server.settled_descriptors(idle.descriptors) <= idle.descriptors
        before = server.usage()
        _open_and_drop(server, _CONNECTIONS, generator)
        server.settled_descriptors(before.descriptors)
        after = server.usage()
        print(f"before {before}, after {_CONNECTIONS} connections {after}")
        assert after.descriptors <= before.descriptors
        assert after.memory - before.memory < _MOST_GROWTH


def _open_and_drop(server: WatchedServer, count: int, generator: random.Random) -> None:
    """Opens and drops `count` connections; after each batch another client is served."""
    with server.channel() as channel:
        for _ in range(count // _AT_ONCE):
            with contextlib.ExitStack() as connections:
                for _ in range(_AT_ONCE):
                    connection = connections.enter_context(frames.connected(server.address))
                    if generator.random() < 0.5:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                    connection.sendall(generator.choice(_BEGINNINGS))
            check_answer(channel)
