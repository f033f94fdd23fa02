"""HTTP/2 by hand: frames that no library would write, over any socket."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4

INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS = 0x4, 0x3
CANCEL: Final = 8

_HEADER: Final = struct.Struct(">BHBBL")
_TIMEOUT_SECONDS: Final = 20
_AT_ONCE: Final = 64 * 1024


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Returns a frame."""
    size = len(payload)
    return _HEADER.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(values: Mapping[int, int] | None = None) -> bytes:
    """Returns a SETTINGS frame."""
    payload = b"".join(struct.pack(">HL", *item) for item in (values or {}).items())
    return frame(SETTINGS, payload=payload)


def rst_stream(stream: int) -> bytes:
    """Returns a frame that cancels a stream."""
    return frame(RST_STREAM, 0, stream, struct.pack(">L", CANCEL))


def grpc_message(data: bytes, *, length: int | None = None, flag: int = 0) -> bytes:
    """Returns a message in gRPC's framing, optionally with a false `length` or `flag`."""
    return struct.pack(">BL", flag, len(data) if length is None else length) + data


def header_block(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Returns headers in HPACK, without indexing or compression."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)


def call_headers(path: str, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Returns the headers that begin a call."""
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"localhost"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        *more,
    ]


def open_call(stream: int, path: str, *more: tuple[bytes, bytes]) -> bytes:
    """Returns the frame that begins a call."""
    return frame(HEADERS, END_HEADERS, stream, header_block(call_headers(path, *more)))


def data_frames(stream: int, data: bytes, *, end: bool = True, size: int = 16_384) -> bytes:
    """Returns the frames of a call's body, which also end it unless `end` is False."""
    parts = [data[begin : begin + size] for begin in range(0, len(data), size)] or [b""]
    last = len(parts) - 1
    return b"".join(
        frame(DATA, END_STREAM if end and index == last else 0, stream, part)
        for index, part in enumerate(parts)
    )


def connect(address: str, tls: ssl.SSLContext | None = None) -> socket.socket:
    """Connects to host:port or unix:path, with a handshake if `tls` is given."""
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_TIMEOUT_SECONDS)
        connection.connect(address.removeprefix("unix:").removeprefix("//"))
        return connection
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=_TIMEOUT_SECONDS)
    if tls is None:
        return connection
    try:
        return tls.wrap_socket(connection, server_hostname="localhost")
    except OSError:
        connection.close()
        raise


@contextlib.contextmanager
def connected(address: str, tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """Connects, and closes the connection at the end."""
    connection = connect(address, tls)
    try:
        yield connection
    finally:
        connection.close()


def _text(value: bytes) -> bytes:
    return _length(len(value)) + value


def _length(value: int) -> bytes:
    """Returns a length in HPACK's encoding, with a prefix of seven bits."""
    if value < 0x7F:
        return bytes([value])
    encoded = bytearray([0x7F])
    value -= 0x7F
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def send_all(connection: socket.socket, data: bytes, *, seconds: float = 20) -> bytes:
    """Sends bytes and a half-close while reading, and returns all bytes up to the close.

    Raises:
        TimeoutError: The other side did not close within `seconds`.
    """
    received = bytearray()
    view = memoryview(data)
    end = time.monotonic() + seconds
    connection.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while time.monotonic() < end:
            for _, events in selector.select(0.1):
                try:
                    if events & selectors.EVENT_WRITE:
                        if view:
                            view = view[connection.send(view[:_AT_ONCE]) :]
                        else:
                            connection.shutdown(socket.SHUT_WR)
                            selector.modify(connection, selectors.EVENT_READ)
                    if events & selectors.EVENT_READ:
                        if not (part := connection.recv(_AT_ONCE)):
                            return bytes(received)
                        received += part
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
                except OSError:
                    return bytes(received)  # closed before it had read all
    raise TimeoutError("the connection was never closed")
