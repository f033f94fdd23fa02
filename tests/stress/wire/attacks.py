"""Bytes that a hostile client may send over a connection, by name."""

from __future__ import annotations

import struct
from typing import Final

from tests.support import frames
from tests.support.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    call_headers,
    data_frames,
    frame,
    grpc_message,
    header_block,
    open_call,
    rst_stream,
    settings,
)

_ENCODE: Final = "/harmony.v1.HarmonyService/Encode"
_PARSE: Final = "/harmony.v1.HarmonyService/Parse"
_WATCH: Final = "/grpc.health.v1.Health/Watch"
_HELLO: Final = grpc_message(b"\x0a\x05Hello")
_BEGIN: Final = PREFACE + settings()
_PADDED, _PRIORITISED = 0x8, 0x20
_FRAME_BYTES: Final = 16_384


def _call(*more: tuple[bytes, bytes], path: str = _ENCODE, body: bytes = _HELLO) -> bytes:
    return _BEGIN + open_call(1, path, *more) + data_frames(1, body)


def _headers(headers: list[tuple[bytes, bytes]]) -> bytes:
    block = header_block(headers)
    return _BEGIN + frame(HEADERS, END_HEADERS, 1, block) + data_frames(1, _HELLO)


def _without(name: bytes) -> bytes:
    return _headers([header for header in call_headers(_ENCODE) if header[0] != name])


def _with(name: bytes, value: bytes) -> bytes:
    return _headers(
        [(key, value if key == name else current) for key, current in call_headers(_ENCODE)]
    )


def _streams(count: int) -> range:
    return range(1, 2 * count, 2)


def _hpack_bomb() -> bytes:
    """Returns a header block that stores a large header and repeats it with one byte each."""
    entry = b"\x40" + header_block([(b"x", b"a" * 3000)])[1:]
    return header_block(call_headers(_ENCODE)) + entry + b"\xbe" * 16_000


NOT_HTTP2: Final = {
    "nothing": b"",
    "zeros": bytes(100_000),
    "noise": bytes(range(256)) * 100,
    "half a preface": PREFACE[:10],
    "noise behind the preface": PREFACE + bytes(range(255, -1, -1)) * 100,
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.1 upgrade": b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "HTTP/1.1 without an end": b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
    "TLS": bytes.fromhex("16030100f8010000f40303") + bytes(240),
    "the preface twice": PREFACE + _BEGIN,
}

FRAMES: Final = {
    "no settings": PREFACE + open_call(1, _ENCODE) + data_frames(1, _HELLO),
    "settings of an odd size": PREFACE + frame(SETTINGS, payload=b"12345"),
    "settings of a stream": PREFACE + frame(SETTINGS, 0, 1),
    "settings out of bounds": PREFACE + settings({4: 0xFFFFFFFF, 5: 1, 2: 7}),
    "an acknowledgement with settings": _BEGIN + frame(SETTINGS, 1, 0, bytes(6)),
    "data on stream 0": _BEGIN + frame(DATA, 0, 0, b"x"),
    "data of a stream that is not open": _BEGIN + data_frames(7, _HELLO),
    "headers on stream 0": _BEGIN + frame(HEADERS, END_HEADERS, 0, b"\x82"),
    "a stream of the server": _BEGIN + open_call(2, _ENCODE),
    "streams in reverse order": _BEGIN + open_call(5, _ENCODE) + open_call(3, _ENCODE),
    "headers twice": _BEGIN + open_call(1, _ENCODE) * 2,
    "the largest stream number": _BEGIN + open_call(0x7FFFFFFF, _ENCODE) + open_call(1, _ENCODE),
    "a frame that claims 16 MiB": _BEGIN + b"\xff\xff\xff\0\0\0\0\0\1" + bytes(1000),
    "unknown frames": _BEGIN + b"".join(frame(number, number, number) for number in range(10, 256)),
    "a promise": _BEGIN + frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4)),
    "a short ping": _BEGIN + frame(PING, payload=b"1234"),
    "a reset of an odd size": _BEGIN + open_call(1, _ENCODE) + frame(RST_STREAM, 0, 1, b"1"),
    "a reset of stream 0": _BEGIN + rst_stream(0),
    "a window that grows by 0": _BEGIN + frame(WINDOW_UPDATE, payload=bytes(4)),
    "a window too large": _BEGIN + frame(WINDOW_UPDATE, payload=b"\x7f\xff\xff\xff") * 3,
    "padding larger than the frame": _BEGIN
    + open_call(1, _ENCODE)
    + frame(DATA, _PADDED, 1, b"\xff1"),
    "a stream that depends on itself": _BEGIN + frame(PRIORITY, 0, 1, struct.pack(">LB", 1, 9)),
    "priority cut short": _BEGIN + frame(HEADERS, END_HEADERS | _PRIORITISED, 1, b"\0"),
    "headers without an end": _BEGIN + frame(HEADERS, 0, 1, header_block(call_headers(_ENCODE))),
    "data between headers": _BEGIN + frame(HEADERS, 0, 1, b"\x82") + data_frames(1, _HELLO),
    "a continuation of nothing": _BEGIN + frame(CONTINUATION, END_HEADERS, 1, b"\x82"),
    "invalid HPACK": _BEGIN + frame(HEADERS, END_HEADERS, 1, bytes(range(200, 256))),
    "an unknown HPACK index": _BEGIN + frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\x0f"),
    "an HPACK text without an end": _BEGIN + frame(HEADERS, END_HEADERS, 1, b"\0\x7f\xff\xff\x7f"),
}

CALLS: Final = {
    "no path": _without(b":path"),
    "an empty path": _with(b":path", b""),
    "a path that is not UTF-8": _with(b":path", b"/\xff\xfe/\x80"),
    "a path of 8,000 bytes": _with(b":path", b"/" + b"a" * 8_000),
    "an unknown method": _with(b":path", b"/harmony.v1.HarmonyService/Forget"),
    "GET": _with(b":method", b"GET"),
    "no authority": _without(b":authority"),
    "another content type": _with(b"content-type", b"text/html"),
    "no content type": _without(b"content-type"),
    "upper case": _call((b"X-Upper", b"1")),
    "pseudo headers twice": _headers(call_headers(_ENCODE) + call_headers(_PARSE)),
    "pseudo headers at the end": _headers(call_headers(_ENCODE)[::-1]),
    "an empty header": _call((b"", b"")),
    "lines in a header": _call((b"x-request-id", b"1\r\nevil: 2\r\n\0")),
    "metadata beyond ASCII": _call((b"x-request-id", b"\xff\xfe"), (b"authorization", b"\x80")),
    "invalid binary metadata": _call((b"x-bin", b"!!!"), (b"grpc-trace-bin", b"%%")),
    "an invalid trace context": _call((b"traceparent", b"00-zz-zz-zz"), (b"tracestate", b"=,=")),
    "an invalid deadline": _call((b"grpc-timeout", b"soon")),
    "a deadline that has passed": _call((b"grpc-timeout", b"0n")),
    "a negative deadline": _call((b"grpc-timeout", b"-1S")),
    "an enormous deadline": _call((b"grpc-timeout", b"99999999999999H")),
    "an unknown encoding": _call((b"grpc-encoding", b"zip"), body=grpc_message(b"", flag=1)),
    "invalid gzip": _call((b"grpc-encoding", b"gzip"), body=grpc_message(b"1234", flag=1)),
    "compressed without an encoding": _call(body=grpc_message(b"1234", flag=1)),
    "an unknown flag": _call(body=grpc_message(b"1234", flag=255)),
    "a message that claims 4 GiB": _call(body=grpc_message(b"1234", length=0xFFFFFFFF)),
    "a message longer than it claims": _call(body=grpc_message(b"\x0a\x05Hello", length=3)),
    "a message shorter than it claims": _call(body=grpc_message(b"\x0a\x05Hello", length=300)),
    "half a message": _BEGIN + open_call(1, _ENCODE) + frame(DATA, 0, 1, _HELLO[:7]),
    "half a length": _BEGIN + open_call(1, _ENCODE) + frame(DATA, END_STREAM, 1, _HELLO[:3]),
    "no message": _call(body=b""),
    "two messages": _call(body=_HELLO * 2),
    "half a message of a stream": _BEGIN + open_call(1, _PARSE) + frame(DATA, 0, 1, _HELLO[:7]),
    "a stream whose second message claims 2 GiB": _BEGIN
    + open_call(1, _PARSE)
    + data_frames(1, grpc_message(b"\x0a\x02\x08\x02") + grpc_message(b"", length=1 << 31)),
    "a watch that claims too much": _call(path=_WATCH, body=grpc_message(b"\x0a\x7f")),
}

FLOODS: Final = {
    "continuations": _BEGIN
    + frame(HEADERS, 0, 1, header_block(call_headers(_ENCODE)))
    + frame(CONTINUATION, 0, 1, header_block([(b"a", b"b" * 1000)]) * 16) * 1000,
    "empty continuations": _BEGIN
    + frame(HEADERS, 0, 1, header_block(call_headers(_ENCODE)))
    + frame(CONTINUATION, 0, 1) * 200_000,
    "a header of 4 MiB": _BEGIN
    + frame(HEADERS, 0, 1, header_block([(b"a", b"b" * (4 << 20))])[:_FRAME_BYTES])
    + frame(CONTINUATION, 0, 1, b"b" * _FRAME_BYTES) * 256,
    "an HPACK bomb": _BEGIN
    + b"".join(frame(HEADERS, END_HEADERS, stream, _hpack_bomb()) for stream in _streams(50)),
    "rapid reset": _BEGIN
    + b"".join(open_call(stream, _ENCODE) + rst_stream(stream) for stream in _streams(20_000)),
    "rapid reset of streams": _BEGIN
    + b"".join(open_call(stream, _PARSE) + rst_stream(stream) for stream in _streams(20_000)),
    "calls without a body": _BEGIN
    + b"".join(open_call(stream, _ENCODE) for stream in _streams(5_000)),
    "streams without a body": _BEGIN
    + b"".join(open_call(stream, _PARSE) for stream in _streams(5_000)),
    "watches": _BEGIN
    + b"".join(
        open_call(stream, _WATCH) + data_frames(stream, grpc_message(b""))
        for stream in _streams(5_000)
    ),
    "pings": _BEGIN + frame(PING, payload=bytes(8)) * 20_000,
    "settings": _BEGIN + settings({4: 1}) * 100_000,
    "windows": _BEGIN
    + open_call(1, _PARSE)
    + frame(WINDOW_UPDATE, 0, 1, struct.pack(">L", 1)) * 200_000,
    "priorities": _BEGIN + frame(PRIORITY, 0, 1, struct.pack(">LB", 3, 9)) * 200_000,
    "empty data": _BEGIN + open_call(1, _PARSE) + frame(DATA, 0, 1) * 200_000,
    "empty messages": _BEGIN + open_call(1, _PARSE) + data_frames(1, grpc_message(b"") * 200_000),
    "settings that change the window of many streams": _BEGIN
    + b"".join(open_call(stream, _PARSE) for stream in _streams(1_000))
    + b"".join(settings({frames.INITIAL_WINDOW_SIZE: size}) for size in range(1_000)),
}
