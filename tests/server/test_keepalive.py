"""How often a client may ping to keep an idle connection alive."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import pytest

from harmony_server import bounds
from harmony_server.process import transport
from harmony_server.process.secret_files import SecretFiles
from harmony_server.settings import Settings

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _PING, _GOAWAY = 4, 6, 7
_TIMEOUT_SECONDS = 30


def _frame(kind: int, payload: bytes = b"") -> bytes:
    """Returns an HTTP/2 frame without flags, on stream 0."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + bytes(4) + payload


@contextlib.asynccontextmanager
async def _connection(
    interval_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connects to a server that allows its clients to ping at this interval."""
    monkeypatch.setattr(bounds, "MIN_PING_INTERVAL_SECONDS", interval_seconds)
    server = transport.create(
        Settings.model_validate({}), SecretFiles(None, None), [], shares_ports=False
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_PREFACE + _frame(_SETTINGS))
        yield reader, writer
    finally:
        writer.close()
        await server.stop(None)


async def _next(reader: asyncio.StreamReader, *kinds: int) -> int:
    """Reads frames up to the next one of these kinds, and returns its kind."""
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while True:
            head = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            if head[3] in kinds:
                return head[3]


async def test_pings_within_the_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings at the allowed interval are answered; gRPC's default of 5 min would refuse them."""
    async with _connection(0.1, monkeypatch) as (reader, writer):
        for _ in range(6):
            writer.write(_frame(_PING, bytes(8)))
            # Wait for the answer, so that the interval counts from when the server got the ping.
            assert await _next(reader, _PING, _GOAWAY) == _PING
            await asyncio.sleep(0.15)


def test_clients_may_ping_every_ten_seconds() -> None:
    """The server's allowance is the documented one; the other tests show that gRPC keeps to it."""
    options = dict(transport.channel_options(Settings.model_validate({})))
    assert options["grpc.http2.min_ping_interval_without_data_ms"] == 10_000
    assert options["grpc.keepalive_permit_without_calls"] == 1


@pytest.mark.long
async def test_pings_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that pings as often as the documented allowance says is never sent away."""
    async with _connection(bounds.MIN_PING_INTERVAL_SECONDS, monkeypatch) as (reader, writer):
        for _ in range(5):
            writer.write(_frame(_PING, bytes(8)))
            assert await _next(reader, _PING, _GOAWAY) == _PING
            await asyncio.sleep(10.1)


async def test_too_many_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that pings much more often loses its connection."""
    async with _connection(60, monkeypatch) as (reader, writer):
        writer.write(_frame(_PING, bytes(8)) * 6)
        await _next(reader, _GOAWAY)
