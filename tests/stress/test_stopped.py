"""A server whose process is paused, and one that is told to stop twice."""

from __future__ import annotations

import signal
import socket
import time

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client import Client
from tests.support.load import Load
from tests.support.standard_services import NOT_SERVING, SERVING, watched_health
from tests.support.waiting import eventually

from .conftest import Report
from .scale import scaled

pytestmark = pytest.mark.long

_PAUSE_SECONDS = 4
_ROUNDS = 1
_MOST_ROUNDS = 10
_LISTEN = ("--listen", "127.0.0.1:0")


def test_a_paused_process_goes_on(report: Report) -> None:
    """After SIGSTOP and SIGCONT under load no RPC fails and no stream is ended."""
    # Shorter than the pause, which must not count as idle.
    idle = ("--stream-idle-timeout-seconds", str(_PAUSE_SECONDS / 2))
    with (
        running_server(*_LISTEN, *idle) as (process, address),
        Client(address) as client,
        Load(client, replay=False) as load,
    ):
        rounds = scaled(_ROUNDS, _MOST_ROUNDS)
        for _ in range(rounds):
            load.wait()
            process.send_signal(signal.SIGSTOP)
            time.sleep(_PAUSE_SECONDS)
            process.send_signal(signal.SIGCONT)
        load.wait()
    report(
        f"paused {rounds} times for {_PAUSE_SECONDS} s under {load.count:,} RPCs and streams, "
        f"{len(load.failures)} failed"
    )
    assert not load.failures


def test_a_second_sigterm_changes_nothing() -> None:
    """More signals during the drain and the grace period do not end the server early."""
    drain = ("--drain-seconds", "5")
    with running_server(*_LISTEN, *drain) as (process, address), Client(address) as client:
        stream = client.open_parse(role="assistant")
        stream.feed([200008])
        with grpc.insecure_channel(address) as channel, watched_health(channel) as states:
            assert next(states).status == SERVING
            process.send_signal(signal.SIGTERM)
            assert next(states).status == NOT_SERVING
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert client.encode("Hello") == [13225]
        # The drain is over when new connections are refused; open streams may still finish.
        eventually(lambda: not _listens(address))
        process.send_signal(signal.SIGTERM)
        stream.feed([87])
        assert stream.finish()
        assert process.wait(60) == 0


def _listens(address: str) -> bool:
    """Returns whether the server takes a new connection."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return False
    return True
