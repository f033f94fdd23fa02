"""Start-up failures: exit code 1 and one line that says why, for any number of workers."""

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
    """A server shares a port among its own workers, and with no other server."""
    with serving("--listen", "127.0.0.1:0", workers=workers) as first:
        [address] = first.addresses
        _assert_refused(f"cannot listen on {address}", "--listen", address)
        call(address)


def test_a_second_server_without_workers_on_a_port() -> None:
    """A server without workers cannot take the port either."""
    with (
        serving("--listen", "127.0.0.1:0") as first,
        starting("--listen", first.addresses[0], workers=1) as second,
    ):
        assert second.wait() == 1
        [line] = second.log()
        assert f"cannot listen on {first.addresses[0]}" in line
        call(first.addresses[0])


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
def test_the_port_of_a_stopped_server(workers: int) -> None:
    """Connections of a stopped server do not keep the next one from its port."""
    # The server waits for open connections until the grace period is over.
    listen = ("--listen", "127.0.0.1:0", "--grace-seconds", "0.1")
    with serving(*listen, workers=workers) as first:
        [address] = first.addresses
        host, _, port = address.rpartition(":")
        lingering = [socket.create_connection((host, int(port))) for _ in range(8)]
        for connection in lingering:
            # Its first frame shows that the server has accepted the connection.
            connection.recv(1)
        first.process.terminate()
        assert first.wait() == 0
    # The server closes first, so the kernel keeps its end for a minute, unless data stays unread.
    for connection in lingering:
        while connection.recv(1024):
            pass
        connection.close()
    with serving("--listen", address):
        call(address)


def test_a_second_server_on_sockets(tmp_path: Path) -> None:
    """A second server cannot take the workers' sockets."""
    listen = f"unix://{tmp_path}/h.sock"
    with serving("--listen", listen) as first:
        _assert_refused("h-0.sock: another server does", "--listen", listen)
        for address in first.addresses:
            call(address)


def test_the_socket_of_one_worker_is_taken(tmp_path: Path) -> None:
    """If one worker cannot start, the server does not start."""
    with running_server("--listen", f"unix://{tmp_path}/h-1.sock"):
        _assert_refused(
            f"worker 1: cannot listen on unix://{tmp_path}/h-1.sock: another server does",
            *("--listen", f"unix://{tmp_path}/h.sock", "--listen", "127.0.0.1:0"),
        )


def test_a_port_of_another_program() -> None:
    """If another program has the port, the server exits before it starts a worker."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        _assert_refused(f"cannot start: cannot listen on {address}", "--listen", address)


def test_an_unknown_host() -> None:
    """A host name that does not resolve is refused."""
    address = "nowhere.invalid:0"
    _assert_refused(f"cannot listen on {address}", "--listen", address, "--allow-plaintext")


def test_a_problem_of_all_workers(tmp_path: Path) -> None:
    """A problem of all workers, such as the vocabulary or a token file, is reported once."""
    listen = ("--listen", "127.0.0.1:0")
    _assert_refused("cannot read vocabulary", *listen, TIKTOKEN_ENCODINGS_BASE=str(tmp_path))
    tokens = tmp_path / "tokens"
    tokens.touch()
    _assert_refused("has no token", *listen, "--auth-token-file", str(tokens))


def test_a_worker_that_is_killed_while_it_starts() -> None:
    """If a worker dies before all workers serve, the server does not start."""
    with starting("--listen", "127.0.0.1:0") as server:
        eventually(lambda: len(server.workers()) == 2)
        server.workers()[1].send_signal(signal.SIGKILL)
        assert server.wait() == 1
        [line] = server.log()
        assert "cannot start: worker " in line
        assert "died with exit code -9" in line
