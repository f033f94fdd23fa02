"""Starts that fail: exit code 1 and one line that says why, however many workers there are."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from devtools.server_process import running_server
from tests.support.supervised_servers import serving, starting
from tests.support.waiting import eventually

from .calls import call


def _assert_refused(problem: str, *arguments: str, **variables: str) -> None:
    with starting(*arguments, variables=variables) as server:
        assert server.wait() == 1
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""
        [line] = server.log()
        assert problem in line
        assert not server.left_behind()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_server_on_a_port(workers: int) -> None:
    """A port of a server is shared by its workers and by no other server."""
    with serving("--listen", "127.0.0.1:0", workers=workers) as first:
        [address] = first.addresses
        _assert_refused(f"cannot listen on {address}", "--listen", address)
        call(address)


def test_a_second_server_without_workers_on_a_port() -> None:
    """A server of one process is refused as well."""
    with (
        serving("--listen", "127.0.0.1:0") as first,
        starting("--listen", first.addresses[0], workers=1) as second,
    ):
        assert second.wait() == 1
        [line] = second.log()
        assert f"cannot listen on {first.addresses[0]}" in line
        call(first.addresses[0])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_a_stopped_server_had(workers: int) -> None:
    """Connections that the last server had do not keep the next one from its port."""
    # The server would wait for the connections as long as its grace.
    listen = ("--listen", "127.0.0.1:0", "--grace-seconds", "0.1")
    with serving(*listen, workers=workers) as first:
        [address] = first.addresses
        host, _, port = address.rpartition(":")
        lingering = [socket.create_connection((host, int(port))) for _ in range(8)]
        for connection in lingering:
            # The server's first frame: it has accepted the connection.
            connection.recv(1)
        first.process.terminate()
        assert first.wait() == 0
    # Who closes first, here the server, has an end of the connection that stays for a minute,
    # unless the other end leaves something unread.
    for connection in lingering:
        while connection.recv(1024):
            pass
        connection.close()
    with serving("--listen", address):
        call(address)


def test_a_second_server_on_sockets(tmp_path: Path) -> None:
    """The sockets of a server's workers are locked."""
    listen = f"unix://{tmp_path}/h.sock"
    with serving("--listen", listen) as first:
        _assert_refused("h-0.sock: another server does", "--listen", listen)
        for address in first.addresses:
            call(address)


def test_the_socket_of_one_worker_is_taken(tmp_path: Path) -> None:
    """Where one worker cannot start, none serves."""
    with running_server("--listen", f"unix://{tmp_path}/h-1.sock"):
        _assert_refused(
            f"worker 1: cannot listen on unix://{tmp_path}/h-1.sock: another server does",
            *("--listen", f"unix://{tmp_path}/h.sock", "--listen", "127.0.0.1:0"),
        )


def test_a_port_of_something_else() -> None:
    """A port that another program listens on is refused before a worker is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        _assert_refused(f"cannot start: cannot listen on {address}", "--listen", address)


def test_a_host_that_is_none() -> None:
    """A name that does not resolve is refused in the same way."""
    address = "nowhere.invalid:0"
    _assert_refused(f"cannot listen on {address}", "--listen", address, "--allow-plaintext")


def test_what_no_worker_can_use(tmp_path: Path) -> None:
    """A fault that all workers have is told once: a vocabulary, a token file."""
    listen = ("--listen", "127.0.0.1:0")
    _assert_refused("cannot read vocabulary", *listen, TIKTOKEN_ENCODINGS_BASE=str(tmp_path))
    tokens = tmp_path / "tokens"
    tokens.touch()
    _assert_refused("has no token", *listen, "--auth-token-file", str(tokens))


def test_a_worker_that_is_killed_while_it_starts() -> None:
    """A server whose worker dies before all serve does not start."""
    with starting("--listen", "127.0.0.1:0") as server:
        eventually(lambda: len(server.workers()) == 2)
        server.workers()[1].send_signal(signal.SIGKILL)
        assert server.wait() == 1
        [line] = server.log()
        assert "cannot start: worker " in line
        assert "died with exit code -9" in line
