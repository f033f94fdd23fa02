"""Slow, silent and dead clients: they cost little and do not delay others."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2

from devtools.server_process import running_server
from harmony_client.v1 import parse_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support import frames
from tests.support.standard_services import NOT_SERVING, SERVING, watched_health
from tests.support.streams import ASSISTANT, config, tokens
from tests.support.waiting import eventually

from .watched import MIB, WatchedServer, watched_server

_ENCODE = "/harmony.v1.HarmonyService/Encode"
_PARSE = "/harmony.v1.HarmonyService/Parse"
_WATCH = "/grpc.health.v1.Health/Watch"
_HELLO = frames.grpc_message(b"\x0a\x05Hello")
_BEGIN = frames.PREFACE + frames.settings()
_EACH = 100
_STREAMS = 16
_STOP_SECONDS = 20
_HANDSHAKE_SECONDS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[WatchedServer]:
    """A server for this module alone."""
    with watched_server() as running:
        yield running


@pytest.mark.parametrize(
    "data",
    [
        b"",
        frames.PREFACE[:5],
        _BEGIN,
        _BEGIN + frames.open_call(1, _ENCODE),
        _BEGIN + frames.open_call(1, _ENCODE) + frames.frame(frames.DATA, 0, 1, _HELLO[:8]),
        _BEGIN + frames.open_call(1, _PARSE),
    ],
    ids=[
        "connects and is silent",
        "half a preface",
        "preface and silence",
        "a call without a body",
        "half a message",
        "a stream without a request",
    ],
)
def test_many_silent_connections(server: WatchedServer, data: bytes) -> None:
    """A hundred silent connections delay no other client, and are released when they close."""
    before = server.usage()
    with server.serving(), contextlib.ExitStack() as connections:
        for _ in range(_EACH):
            connection = connections.enter_context(frames.connected(server.address))
            connection.sendall(data)
        time.sleep(1)
        server.check_answers()
        assert server.usage().memory - before.memory < 64 * MIB
    assert server.settled_descriptors(before.descriptors) <= before.descriptors


def test_requests_that_arrive_by_the_byte(server: WatchedServer) -> None:
    """Calls that arrive byte by byte, many at a time, are answered."""
    request = frames.open_call(1, _ENCODE) + frames.data_frames(1, _HELLO)
    with server.serving(), contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(frames.connected(server.address)) for _ in range(_EACH // 2)
        ]
        for connection in connections:
            # Without a pause, since the server allows 20 s for a handshake.
            for byte in _BEGIN:
                connection.send(bytes([byte]))
        for byte in request:
            for connection in connections:
                connection.send(bytes([byte]))
            time.sleep(0.02)
        for connection in connections:
            received = frames.send_all(connection, b"")
            # The only token of "Hello", 13225, packed.
            assert frames.grpc_message(b"\x0a\x02\xa9\x67") in received


def test_answers_that_are_read_by_the_byte(server: WatchedServer) -> None:
    """A client with a window of 1 byte gets its answer byte by byte, and costs little memory."""
    # Fits the server's window of a stream.
    text = b"word " * 10_000
    request = frames.grpc_message(b"\x0a\xd0\x86\x03" + text)
    begin = frames.PREFACE + frames.settings({frames.INITIAL_WINDOW_SIZE: 1})
    begin += frames.open_call(1, _ENCODE) + frames.data_frames(1, request)
    one_more = frames.frame(frames.WINDOW_UPDATE, 0, 1, struct.pack(">L", 1))
    before = server.usage()
    with server.serving(), contextlib.ExitStack() as stack:
        for _ in range(_EACH // 2):
            connection = stack.enter_context(frames.connected(server.address))
            connection.sendall(begin)
            for _ in range(3):
                assert len(_next_data(connection)) == 1
                connection.sendall(one_more)
        assert server.usage().memory - before.memory < 64 * MIB
    assert server.settled_descriptors(before.descriptors) <= before.descriptors


def _next_data(connection: socket.socket) -> bytes:
    """Reads frames up to the next one with data, and returns the data."""
    while True:
        head = connection.recv(9, socket.MSG_WAITALL)
        payload = connection.recv(int.from_bytes(head[:3], "big"), socket.MSG_WAITALL)
        if head[3] == frames.DATA:
            return payload


@pytest.mark.long
def test_a_connection_without_a_handshake(server: WatchedServer) -> None:
    """A connection without a handshake is closed after 20 s; one with an open call is not."""
    with frames.connected(server.address) as silent, frames.connected(server.address) as patient:
        patient.sendall(_BEGIN + frames.open_call(1, _PARSE))
        silent.settimeout(_HANDSHAKE_SECONDS + 20)
        began = time.monotonic()
        while silent.recv(1024):
            pass
        assert time.monotonic() - began > _HANDSHAKE_SECONDS - 5
        received = frames.send_all(patient, frames.frame(frames.DATA, frames.END_STREAM, 1))
        assert b"grpc-status" in received


def test_streams_whose_answers_are_not_read(server: WatchedServer) -> None:
    """The server reads only a small window ahead on a stream whose answers are not read."""
    written = [0] * _STREAMS
    stop = threading.Event()

    def requests(number: int) -> Iterator[parse_pb2.ParseRequest]:
        yield config(ASSISTANT)
        yield tokens([200008])
        while not stop.is_set():
            written[number] += 1
            yield tokens([87] * 20_000)

    # Small windows in the client too, so that answers pile up in the server.
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]
    before = server.usage()
    with server.serving(), grpc.insecure_channel(server.address, options) as channel:
        stub = HarmonyServiceStub(channel)
        calls = [stub.Parse(requests(number)) for number in range(_STREAMS)]
        # Enough to fill the client's window; then a server without a window would read on.
        eventually(lambda: min(written) >= 4)
        time.sleep(2)
        stop.set()
        # Requests and answers have 20 kB: 4 fit the client's window, 13 the server's.
        assert max(written) < 30
        assert server.usage().memory - before.memory < 64 * MIB
        for call in calls:
            call.cancel()


def test_an_unread_watch_delays_nobody() -> None:
    """A watch that is not read delays neither other watches nor the shutdown."""
    settings = frames.settings({frames.INITIAL_WINDOW_SIZE: 0})
    with (
        running_server("--listen", "127.0.0.1:0", "--grace-seconds", "0.5") as (process, address),
        frames.connected(address) as connection,
        grpc.insecure_channel(address) as channel,
        watched_health(channel) as states,
    ):
        for number, service in enumerate(("", "readiness", "harmony.v1.HarmonyService")):
            request = health_pb2.HealthCheckRequest(service=service).SerializeToString()
            begin = frames.PREFACE + settings if number == 0 else b""
            call = frames.open_call(2 * number + 1, _WATCH)
            body = frames.data_frames(2 * number + 1, frames.grpc_message(request))
            connection.sendall(begin + call + body)
        time.sleep(0.5)
        assert next(states).status == SERVING
        with watched_health(channel) as others:
            assert next(others).status == SERVING
        process.terminate()
        assert next(states).status == NOT_SERVING
        with pytest.raises(grpc.RpcError):
            next(states)
        assert process.wait(_STOP_SECONDS) == 0


@pytest.mark.long
def test_clients_that_stop_or_die(server: WatchedServer) -> None:
    """Client processes stopped or killed mid-stream delay no other client and are released."""
    before = server.usage()
    with server.serving(), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(_streaming_client(server.address)) for _ in range(3)]
        for client, number in zip(
            clients, (signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL), strict=True
        ):
            os.kill(client.pid, number)
        time.sleep(1)
        server.check_answers()
        assert server.usage().memory - before.memory < 64 * MIB
    assert server.settled_descriptors(before.descriptors) <= before.descriptors


@contextlib.contextmanager
def _streaming_client(address: str) -> Iterator[subprocess.Popen[str]]:
    """Runs a process that streams as fast as it can, and kills it at the end."""
    code = (
        "import itertools, sys\n"
        "from tests.support.streams import ASSISTANT, config, tokens\n"
        "from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub\n"
        "import grpc\n"
        "with grpc.insecure_channel(sys.argv[1]) as channel:\n"
        "    begin = [config(ASSISTANT), tokens([200008])]\n"
        "    requests = itertools.chain(begin, itertools.repeat(tokens([87] * 1000)))\n"
        "    for number, _ in enumerate(HarmonyServiceStub(channel).Parse(requests)):\n"
        "        if number == 100: print('streams', flush=True)\n"
    )
    command = [sys.executable, "-c", code, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "streams\n"
            yield process
        finally:
            process.kill()
