"""Clients that are slow, silent or gone: they cost little, and hold up nobody."""

from __future__ import annotations

import contextlib
import os
import signal
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
    """A server of this module alone."""
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
def test_many_who_say_no_more(server: WatchedServer, data: bytes) -> None:
    """A hundred connections that stop in the middle: others are served, and all is let go."""
    before = server.usage()
    with server.serving(), contextlib.ExitStack() as connections:
        for _ in range(_EACH):
            connection = connections.enter_context(frames.connected(server.address))
            connection.sendall(data)
        time.sleep(1)
        server.check_answers()
        assert server.usage().memory - before.memory < 64 * MIB
    assert server.settled_descriptors(before.descriptors) <= before.descriptors


def test_requests_that_come_by_the_byte(server: WatchedServer) -> None:
    """Headers and bodies that dribble in, many at a time, are waited for and answered."""
    request = frames.open_call(1, _ENCODE) + frames.data_frames(1, _HELLO)
    with server.serving(), contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(frames.connected(server.address)) for _ in range(_EACH // 2)
        ]
        for connection in connections:
            # At once, since the server gives a handshake 20 seconds.
            for byte in _BEGIN:
                connection.send(bytes([byte]))
        for byte in request:
            for connection in connections:
                connection.send(bytes([byte]))
            time.sleep(0.02)
        for connection in connections:
            received = frames.send_all(connection, b"")
            # The token of Hello, 13225, packed.
            assert frames.grpc_message(b"\x0a\x02\xa9\x67") in received


def test_answers_that_are_read_by_the_byte(server: WatchedServer) -> None:
    """Who reads slowly is answered slowly: one window's worth, and no more until it is read."""
    text = b"word " * 20_000
    request = frames.grpc_message(b"\x0a\xa0\x8d\x06" + text)
    settings = frames.settings({frames.INITIAL_WINDOW_SIZE: 1})
    before = server.usage()
    with server.serving(), contextlib.ExitStack() as stack:
        for _ in range(_EACH // 2):
            connection = stack.enter_context(frames.connected(server.address))
            connection.sendall(frames.PREFACE + settings + frames.open_call(1, _ENCODE))
            connection.sendall(frames.data_frames(1, request))
        time.sleep(1)
        assert server.usage().memory - before.memory < 64 * MIB
    assert server.settled_descriptors(before.descriptors) <= before.descriptors


@pytest.mark.long
def test_a_client_that_shakes_no_hands(server: WatchedServer) -> None:
    """Who connects and is silent is cut off after 20 seconds, who has begun a call is not."""
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
    """Of each stream the server takes in what fits a small window, however fast they come."""
    written = [0] * _STREAMS
    stop = threading.Event()

    def requests(number: int) -> Iterator[parse_pb2.ParseRequest]:
        yield config(ASSISTANT)
        yield tokens([200008])
        while not stop.is_set():
            written[number] += 1
            yield tokens([87] * 20_000)

    # Small windows here too, so that answers pile up at the server.
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]
    before = server.usage()
    with server.serving(), grpc.insecure_channel(server.address, options) as channel:
        stub = HarmonyServiceStub(channel)
        calls = [stub.Parse(requests(number)) for number in range(_STREAMS)]
        time.sleep(3)
        stop.set()
        # A request is 20 kB, its answer too: four in this window, thirteen in the server's.
        assert max(written) < 30
        assert server.usage().memory - before.memory < 64 * MIB
        for call in calls:
            call.cancel()


def test_a_watch_that_is_not_read_holds_up_nobody() -> None:
    """Other watches are told of every change, and the server stops when it is told to."""
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
    """Processes stopped or killed in the middle of streams: others are served, all is let go."""
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
    """Runs a process that streams as fast as it can, and kills it."""
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
