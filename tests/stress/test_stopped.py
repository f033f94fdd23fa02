"""A server whose process does not run for a while, and one that is told to stop twice."""

from __future__ import annotations

import signal
import time

import pytest

from devtools.server_process import running_server
from harmony_client import Client
from tests.support.load import Load

from .conftest import Report
from .scale import scaled

pytestmark = pytest.mark.long

_PAUSE_SECONDS = 4
_ROUNDS = 1
_MOST_ROUNDS = 10
_LISTEN = ("--listen", "127.0.0.1:0")


def test_a_process_that_is_stopped_and_goes_on(report: Report) -> None:
    """After SIGSTOP and SIGCONT under load all goes on: no RPC failed, no stream was ended."""
    # Shorter than the pause: not running is not being idle.
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
        f"stopped {rounds} times for {_PAUSE_SECONDS} s under {load.count:,} RPCs and streams, "
        f"{len(load.failures)} failed"
    )
    assert not load.failures


def test_a_second_sigterm_changes_nothing() -> None:
    """The drain goes on: what was served is served, and the exit code is 0."""
    drain = ("--drain-seconds", "3")
    with running_server(*_LISTEN, *drain) as (process, address), Client(address) as client:
        stream = client.open_parse(role="assistant")
        stream.feed([200008])
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert client.encode("Hello") == [13225]
        time.sleep(3)
        # The grace, in which streams end.
        process.send_signal(signal.SIGTERM)
        stream.feed([87])
        assert stream.finish()
        assert process.wait(20) == 0
