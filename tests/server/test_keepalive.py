"""Clients that keep a quiet connection alive with pings."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import pytest

from harmony_server.process import transport
from harmony_server.process.secret_files import SecretFiles
from harmony_server.settings import Settings

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _PING, _GOAWAY = 4, 6, 7


def _frame(kind: int, payload: bytes = b"") -> bytes:
    """Returns an HTTP/2 frame without flags, on stream 0."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + bytes(4) + payload


@contextlib.asynccontextmanager
async def _connection(
    interval_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connects to a server that allows its clients to ping at this interval."""
    monkeypatch.setattr(transport, "_MIN_PING_INTERVAL_SECONDS", interval_seconds)
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


async def _goes_away(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Reads for so long; tells whether the server said that it ends the connection."""
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(seconds):
            while True:
                head = await reader.readexactly(9)
                await reader.readexactly(int.from_bytes(head[:3], "big"))
                if head[3] == _GOAWAY:
                    return True
    return False


async def test_pings_within_the_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The allowance is really in force: gRPC's own, five minutes, would end this connection."""
    async with _connection(0.3, monkeypatch) as (reader, writer):
        for _ in range(6):
            writer.write(_frame(_PING, bytes(8)))
            assert not await _goes_away(reader, 0.4)


async def test_too_many_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that pings much more often is sent away."""
    async with _connection(60, monkeypatch) as (reader, writer):
        writer.write(_frame(_PING, bytes(8)) * 6)
        assert await _goes_away(reader, 5)
