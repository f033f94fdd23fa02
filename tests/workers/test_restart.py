"""Workers that die are restarted while the others go on."""

from __future__ import annotations

import re
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from harmony_client import Client, MessageCompleted
from harmony_server.settings import Settings
from harmony_server.workers.messages import Assignment
from harmony_server.workers.worker_process import WorkerProcess
from tests.support.supervised_servers import Supervised, serving
from tests.support.waiting import eventually

from .calls import call, call_on, calls_by_worker, own_channel

_PAUSE = re.compile(r"restarting in ([\d.]+) s")


def _pauses(server: Supervised) -> list[float]:
    return [float(pause) for line in server.log() for pause in _PAUSE.findall(line)]


def _kill(worker: psutil.Process) -> None:
    worker.send_signal(signal.SIGKILL)


@contextmanager
def _no_new_processes(server: Supervised) -> Iterator[None]:
    """Keeps the supervisor from restarting workers, for want of file descriptors."""
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Supervised]:
    """A server with two workers, on a port and on two sockets."""
    listen = ("--listen", "127.0.0.1:0", "--listen", f"unix://{tmp_path}/h.sock")
    with serving(*listen) as running:
        yield running


def test_a_killed_worker_is_replaced_and_the_other_goes_on(server: Supervised) -> None:
    """The other worker's streams go on; the new worker has the dead one's port and socket."""
    port, first, second = server.addresses
    victim, survivor = server.workers()
    with Client(second) as client, client.open_parse(role="assistant") as stream:
        stream.feed([200008])
        _kill(victim)
        stream.feed([87])
        call(second)
        server.until_replaced(victim)
        [completed] = stream.finish()
    assert isinstance(completed, MessageCompleted)
    assert completed.message.content[0].text.text == "x"
    assert survivor in server.workers()
    assert len(server.workers()) == 2
    call(first)

    # Both workers listen on the port again.
    def both_called() -> bool:
        call(port)
        return all(calls_by_worker(server.metrics).values())

    eventually(both_called)
    [line] = [line for line in server.log() if "died" in line]
    assert "died with exit code -9; restarting in 0.1 s" in line


def test_connections_go_to_a_living_worker(server: Supervised) -> None:
    """Until a worker is restarted, new connections to the port go to the other."""
    port = server.addresses[0]
    victim, _ = server.workers()
    with _no_new_processes(server):
        _kill(victim)
        victim.wait()
        for _ in range(20):
            call(port)
        assert len(server.workers()) == 1
    server.until_replaced(victim)


def test_a_client_of_a_dead_worker_reconnects(server: Supervised) -> None:
    """A channel whose worker dies reconnects to the port and goes on."""
    port = server.addresses[0]
    with ExitStack() as stack:
        channels = [stack.enter_context(own_channel(port)) for _ in range(8)]
        for channel in channels:
            call_on(channel)
        victim, _ = server.workers()
        _kill(victim)
        for channel in channels:
            call_on(channel)
        server.until_replaced(victim)


@pytest.mark.long
def test_repeated_deaths_lengthen_the_pause(server: Supervised) -> None:
    """The pause before a restart doubles with each death; the other worker goes on."""
    first, second = server.workers()
    deaths = 4
    for death in range(1, deaths + 1):
        [victim] = [worker for worker in server.workers() if worker != second]
        _kill(victim)
        server.until_logged("serves again", death)
    assert _pauses(server) == [0.1, 0.2, 0.4, 0.8]
    assert second in server.workers()
    assert first not in server.workers()


def test_the_pause_before_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause grows to 10 s at most, and is reset for a worker that lived for a minute."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    worker = WorkerProcess(0, Assignment(Settings.model_validate({}), []))
    worker._started_at = now
    pauses = [worker.next_pause() for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    now += 61
    assert worker.next_pause() == 0.1


@pytest.mark.long
def test_a_worker_that_cannot_start_again(tmp_path: Path) -> None:
    """Each failed restart is logged with its reason; once that is gone, the worker serves."""
    tokens = tmp_path / "tokens"
    tokens.write_text("secret")
    listen = ("--listen", "127.0.0.1:0", "--auth-token-file", str(tokens))
    with serving(*listen) as server:
        victim, _ = server.workers()
        tokens.write_text("")
        _kill(victim)
        eventually(lambda: server.count_log("has no token; restarting") >= 2)
        # The other worker keeps its tokens.
        call(server.addresses[0], ("authorization", "Bearer secret"))
        tokens.write_text("secret")
        server.until_replaced(victim)
        assert _pauses(server)[:3] == [0.1, 0.2, 0.4]


def test_a_restart_that_the_system_refuses(server: Supervised) -> None:
    """A restart that the system refuses is retried."""
    victim, _ = server.workers()
    with _no_new_processes(server):
        _kill(victim)
        refused = "cannot create a process: Too many open files; restarting"
        eventually(lambda: server.count_log(refused) >= 2)
        call(server.addresses[2])
    server.until_replaced(victim)


def test_all_workers_die(server: Supervised) -> None:
    """If all workers die, all are replaced, and a call waits for them."""
    victims = server.workers()
    for victim in victims:
        _kill(victim)
    caller = threading.Thread(target=call, args=(server.addresses[0],))
    caller.start()
    server.until_replaced(*victims)
    caller.join(60)
    assert not caller.is_alive()
    assert len(server.workers()) == 2
