"""Addresses and processes of a server with several workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harmony_server.addresses import Address
from harmony_server.workers.placement import SharedPort, socket_of_worker
from tests.support.supervised_servers import Supervised, serving

from .calls import call, calls_by_worker

_WORKERS = 3
_CONNECTIONS = 60


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's sockets."""
    return tmp_path_factory.mktemp("s")


@pytest.fixture(scope="module")
def server(sockets: Path) -> Iterator[Supervised]:
    """A server on two ports of its choice and on a Unix socket for each worker."""
    unix = f"unix://{sockets}/h.sock"
    listen = [
        word for address in ("127.0.0.1:0", unix, "[::1]:0") for word in ("--listen", address)
    ]
    with serving(*listen, workers=_WORKERS) as running:
        yield running


def test_each_address_is_printed_once(server: Supervised, sockets: Path) -> None:
    """Each port is printed once for all workers, and each worker's socket once."""
    tcp4, tcp6, *unix = server.addresses
    assert tcp4.startswith("127.0.0.1:")
    assert tcp6.startswith("[::1]:")
    assert not tcp4.endswith(":0")
    assert not tcp6.endswith(":0")
    assert unix == [f"unix://{sockets}/h-{number}.sock" for number in range(_WORKERS)]
    assert not (sockets / "h.sock").exists()


def test_connections_to_a_port_are_spread(server: Supervised) -> None:
    """Every worker gets some of the connections to a shared port."""
    for address in server.addresses[:2]:
        before = calls_by_worker(server.metrics)
        for _ in range(_CONNECTIONS):
            call(address)
        after = calls_by_worker(server.metrics)
        calls = [after[number] - before[number] for number in range(_WORKERS)]
        assert sum(calls) == _CONNECTIONS
        assert all(calls), calls


def test_a_socket_belongs_to_one_worker(server: Supervised) -> None:
    """Calls to a worker's socket are served by that worker."""
    for number, address in enumerate(server.addresses[2:]):
        before = calls_by_worker(server.metrics)
        for _ in range(3):
            call(address)
        after = calls_by_worker(server.metrics)
        assert after == {**before, number: before[number] + 3}


def test_one_process_for_each_worker(server: Supervised) -> None:
    """The server's processes are the supervisor and its workers."""
    assert len(server.workers()) == _WORKERS
    assert len(server.left_behind()) == _WORKERS + 1


def test_workers_are_separate_programs(server: Supervised) -> None:
    """No worker is a fork: gRPC breaks in the fork of a process that has used it."""
    for worker in server.workers():
        assert worker.cmdline()[1:3] == ["-m", "harmony_server.workers.worker"]


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("/run/h.sock", "/run/h-1.sock"),
        ("/run/h", "/run/h-1"),
        ("/run/a.b/h.x.sock", "/run/a.b/h.x-1.sock"),
    ],
)
def test_the_names_of_sockets(listen: str, expected: str) -> None:
    """A worker's number comes before the suffix."""
    assert socket_of_worker(Address.parse(f"unix://{listen}"), 1).socket_path == expected


def test_a_shared_port_is_reserved() -> None:
    """The supervisor reserves a port before any worker listens on it."""
    held = SharedPort(Address.parse("127.0.0.1:0"))
    with pytest.raises(OSError, match=f"cannot listen on {held.address.text}: "):
        SharedPort(held.address)
    held.close()
    SharedPort(held.address).close()
