"""Shutdown of a server with workers; each test checks that no process is left behind."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from harmony_client import Client, MessageCompleted, Unavailable
from tests.support.standard_services import NOT_SERVING, SERVING, watched_health
from tests.support.supervised_servers import Supervised, serving, starting
from tests.support.waiting import eventually


def _listen(folder: Path) -> tuple[str, ...]:
    return ("--listen", "127.0.0.1:0", "--listen", f"unix://{folder}/h.sock")


def test_sigterm_drains_every_worker(tmp_path: Path) -> None:
    """All workers report NOT_SERVING, streams can finish, the exit code is 0 and the log empty."""
    with serving(*_listen(tmp_path)) as server, ExitStack() as stack:
        streams, watches = [], []
        for address in server.addresses[1:]:
            client = stack.enter_context(Client(address))
            stream = stack.enter_context(client.open_parse(role="assistant"))
            stream.feed([200008])
            streams.append(stream)
            channel = stack.enter_context(grpc.insecure_channel(address))
            states = stack.enter_context(watched_health(channel))
            assert next(states).status == SERVING
            watches.append(states)
        server.process.terminate()
        for states in watches:
            assert next(states).status == NOT_SERVING
        for stream in streams:
            stream.feed([87])
            [completed] = stream.finish()
            assert isinstance(completed, MessageCompleted)
            assert completed.message.content[0].text.text == "x"
        assert server.wait() == 0
        assert server.log() == []


def test_endless_streams_are_ended(tmp_path: Path) -> None:
    """When the grace period is over, every worker ends its streams."""
    with serving(*_listen(tmp_path), "--grace-seconds", "0.5") as server, ExitStack() as stack:
        streams = []
        for address in server.addresses[1:]:
            client = stack.enter_context(Client(address))
            streams.append(stack.enter_context(client.open_parse(role="assistant")))
            streams[-1].feed([200008])
        server.process.terminate()
        assert server.wait() == 0
        for stream in streams:
            with pytest.raises(Unavailable):
                stream.feed([87])


@pytest.mark.parametrize("seconds", [0.0, 0.4, 0.9])
def test_sigterm_during_start(seconds: float) -> None:
    """A server that gets SIGTERM at any time during start-up exits with 0."""
    with starting("--listen", "127.0.0.1:0") as server:
        # Before that the supervisor may not have installed its signal handlers.
        eventually(server.workers)
        time.sleep(seconds)
        server.process.terminate()
        assert server.wait() == 0
        assert server.log() == []


@pytest.mark.parametrize("during_start", [True, False])
def test_ctrl_c(tmp_path: Path, during_start: bool) -> None:
    """SIGINT to all processes, as a terminal sends it, ends them without a traceback."""
    with starting(*_listen(tmp_path)) as server:
        if during_start:
            eventually(server.workers)
        else:
            server.until_serving()
        server.signal_group(signal.SIGINT)
        assert server.wait() == 0
        assert server.log() == []


def test_the_supervisor_is_killed(tmp_path: Path) -> None:
    """If the supervisor is killed, the workers drain and end, and log nothing."""
    with serving(*_listen(tmp_path)) as server, Client(server.addresses[1]) as client:
        with client.open_parse(role="assistant") as stream:
            stream.feed([200008])
            server.process.kill()
            server.wait()
            stream.feed([87])
            stream.finish()
        eventually(lambda: not server.left_behind())
        assert server.log() == []


@pytest.mark.long
def test_the_supervisor_is_killed_during_start(tmp_path: Path) -> None:
    """If the supervisor is killed, workers that are still starting end too."""
    with starting(*_listen(tmp_path)) as server:
        eventually(lambda: len(server.workers()) == 2)
        server.process.kill()
        server.wait()
        eventually(lambda: not server.left_behind())
        assert server.log() == []


@pytest.mark.long
def test_a_worker_that_does_not_stop_is_killed() -> None:
    """A worker that ignores SIGTERM delays the shutdown for a while and is then killed."""
    with serving("--listen", "127.0.0.1:0", "--grace-seconds", "0") as server:
        stuck, _ = server.workers()
        stuck.suspend()
        began = time.monotonic()
        server.process.terminate()
        assert server.wait() == 0
        assert time.monotonic() - began > 5


@pytest.mark.long
def test_sigterm_before_a_restart() -> None:
    """SIGTERM between a worker's death and its restart stops the server."""
    with serving("--listen", "127.0.0.1:0") as server:
        _die_often(server)
        server.process.terminate()
        assert server.wait() == 0


def _die_often(server: Supervised) -> None:
    """Kills a worker until the pause before its restart is long."""
    for death in range(1, 4):
        server.workers()[-1].kill()
        server.until_logged("restarting in", death)
        if death < 3:
            server.until_logged("serves again", death)
