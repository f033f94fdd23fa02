"""Large requests that never end, on many streams of one connection, within its windows."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Iterator

from tests.support import frames

_FRAME_BYTES = 16_384
_ZEROS = bytes(_FRAME_BYTES)
_QUIET_SECONDS = 15.0


@contextlib.contextmanager
def unfinished_requests(address: str, path: str, count: int, size: int) -> Iterator[int]:
    """Sends `count` requests without their last byte, and yields the number of bytes sent.

    It stops early if the server does not open its windows for a while.
    """
    with frames.connected(address) as connection:
        yield _Upload(connection, path, count, size).run()


class _Upload:
    def __init__(self, connection: socket.socket, path: str, count: int, size: int) -> None:
        self._connection = connection
        self._left = {2 * number + 1: size + 5 - 1 for number in range(count)}
        self._length = struct.pack(">BL", 0, size)
        self._size = size
        # The server's windows: of the connection, and of a stream beyond its initial one.
        self._stream_room: defaultdict[int, int] = defaultdict(int)
        self._initial_room = self._room = 65_535
        self._received = b""
        self._sent = 0
        connection.sendall(frames.PREFACE + frames.settings())
        for stream in self._left:
            connection.sendall(frames.open_call(stream, path))

    def run(self) -> int:
        last = time.monotonic()
        while self._left and time.monotonic() - last < _QUIET_SECONDS:
            readable, _, _ = select.select([self._connection], [], [], 0)
            if readable:
                self._read()
            if self._write():
                last = time.monotonic()
        return self._sent

    def _write(self) -> bool:
        """Sends a frame on every stream that has room for one."""
        wrote = False
        for stream, left in list(self._left.items()):
            room = min(self._initial_room + self._stream_room[stream], self._room)
            size = min(left, room, _FRAME_BYTES)
            if size < 5:
                continue
            begins = left == self._size + 5 - 1
            data = self._length + _ZEROS[5:size] if begins else _ZEROS[:size]
            self._connection.sendall(frames.frame(frames.DATA, 0, stream, data))
            self._stream_room[stream] -= size
            self._room -= size
            self._sent += size
            self._left[stream] -= size
            if self._left[stream] < 5:
                del self._left[stream]
            wrote = True
        return wrote

    def _read(self) -> None:
        self._received += self._connection.recv(_FRAME_BYTES)
        while len(self._received) >= 9:
            size = int.from_bytes(self._received[:3], "big")
            if len(self._received) < 9 + size:
                return
            kind, flags = self._received[3:5]
            stream = int.from_bytes(self._received[5:9], "big")
            payload = self._received[9 : 9 + size]
            self._received = self._received[9 + size :]
            if kind == frames.SETTINGS and not flags & frames.ACK:
                values = dict(struct.iter_unpack(">HL", payload))
                self._initial_room = values.get(frames.INITIAL_WINDOW_SIZE, self._initial_room)
                self._connection.sendall(frames.frame(frames.SETTINGS, frames.ACK))
            elif kind == frames.PING and not flags & frames.ACK:
                self._connection.sendall(frames.frame(frames.PING, frames.ACK, 0, payload))
            elif kind == frames.WINDOW_UPDATE and stream == 0:
                self._room += int.from_bytes(payload, "big")
            elif kind == frames.WINDOW_UPDATE:
                self._stream_room[stream] += int.from_bytes(payload, "big")
