"""A full or read-only disk: a running server goes on, one that cannot start says why."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from devtools.server_process import serve_command
from harmony_client import Client
from tests.support.restartable_servers import free_port
from tests.support.samples import Samples
from tests.support.waiting import eventually

from .conftest import Report
from .scale import scaled
from .small_disk import MOUNT, SmallDisk, small_disk
from .vitals import Vitals

_CALLS = 1000
_MOST_CALLS = 50_000
_LOOKS = 10
_MAX_GROWTH_MIB = 2.0
_TIMEOUT_SECONDS = 30
_PAGE = 4096
_LISTEN = ("--listen", "127.0.0.1:0", "--listen", f"unix://{MOUNT}/h.sock")
_METRICS = ("--metrics-listen", "127.0.0.1:0")
# One line per RPC.
_LOUD = ("--log-level", "debug", "--log-format", "json")


def _addresses(disk: SmallDisk, count: int) -> list[str]:
    assert disk.process.stdout is not None
    lines = [disk.process.stdout.readline() for _ in range(count)]
    assert all(lines), disk.process.stderr and disk.process.stderr.read()
    return [line.split()[-1] for line in lines]


def _calls(addresses: Sequence[str], count: int) -> None:
    for address in addresses:
        with Client(address) as client:
            for _ in range(count // len(addresses)):
                assert client.encode("Hello") == [13225]


def test_the_disk_of_the_log_is_full(report: Report) -> None:
    """RPCs and metrics go on; log lines are lost until there is room again."""
    with small_disk(*_LISTEN, *_METRICS, *_LOUD, logs=True) as disk:
        tcp, _, metrics = _addresses(disk, 3)
        reached = [tcp, f"unix://{disk.folder}/h.sock"]
        disk.fill()
        full = disk.log.stat().st_size
        _calls(reached, _CALLS)
        vitals = Vitals(psutil.Process(disk.process.pid))
        count = scaled(_CALLS, _MOST_CALLS)
        for look in range(_LOOKS):
            _calls(reached, count // _LOOKS)
            vitals.look(count // _LOOKS * (look + 1))
        assert "harmony_server_info" in Samples.scrape(metrics).text
        assert disk.log.stat().st_size <= full + _PAGE
        disk.free()
        _calls(reached, 10)
        assert disk.log.stat().st_size > full
        assert "Encode" in disk.log.read_text().splitlines()[-1]
        disk.fill()
        disk.process.terminate()
        assert disk.process.wait(_TIMEOUT_SECONDS) == 0
    report(f"RPCs with a full disk: {vitals.text()}")
    assert vitals.growth_mib() < _MAX_GROWTH_MIB, vitals.text()


@pytest.mark.long
def test_the_disk_of_workers_is_full() -> None:
    """With workers, RPCs go on too, and a dead worker is replaced without disk space."""
    with small_disk(*_LISTEN[:2], "--workers", "2", *_METRICS, *_LOUD, logs=True) as disk:
        tcp, metrics = _addresses(disk, 2)
        disk.fill()
        victim, _ = psutil.Process(disk.process.pid).children()
        victim.kill()
        victim.wait(_TIMEOUT_SECONDS)
        _calls([tcp], 100)
        eventually(lambda: Samples.scrape(metrics).sum("harmony_worker_restarts_total") == 1)
        eventually(lambda: Samples.scrape(metrics).sum("harmony_workers") == 2)
        disk.process.terminate()
        assert disk.process.wait(_TIMEOUT_SECONDS) == 0


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["one", "workers"])
def test_nothing_can_be_printed(workers: Sequence[str]) -> None:
    """A server that cannot write to standard output or error serves, and exits with 0."""
    address = f"127.0.0.1:{free_port()}"
    command = serve_command("--listen", address, *workers)
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(command, stdout=full, stderr=full) as process,
    ):
        try:
            _calls([address], 10)
            process.terminate()
            assert process.wait(_TIMEOUT_SECONDS) == 0
        finally:
            process.kill()


# The root folder of the disk takes one inode.
@pytest.mark.parametrize(
    ("size", "listen"),
    [("nr_inodes=1", "h.sock"), ("nr_inodes=2", "h.sock"), ("nr_inodes=1", "folder/h.sock")],
    ids=["lock", "socket", "folder"],
)
def test_no_room_for_the_socket(size: str, listen: str) -> None:
    """Without room for the lock, the socket or its folder, the exit code is 1, with one line."""
    address = f"unix://{MOUNT}/{listen}"
    with small_disk("--listen", address, size=size) as disk:
        _assert_cannot_start(disk, address)


def test_a_read_only_disk() -> None:
    """For a socket on a read-only file system, the exit code is 1, with one line."""
    address = f"unix://{MOUNT}/h.sock"
    with small_disk("--listen", address, read_only=True) as disk:
        _assert_cannot_start(disk, address, "Read-only file system")


def test_a_port_needs_no_writable_disk() -> None:
    """A server that listens on a port needs no writable disk."""
    with small_disk("--listen", "127.0.0.1:0", read_only=True) as disk:
        _calls(_addresses(disk, 1), 10)
        disk.process.terminate()
        assert disk.process.wait(_TIMEOUT_SECONDS) == 0


def _assert_cannot_start(disk: SmallDisk, address: str, why: str = "") -> None:
    """Asserts that the server exits with code 1 and a line that names the address."""
    assert disk.process.stdout is not None
    assert disk.process.stderr is not None
    assert disk.process.stdout.read() == ""
    lines = disk.process.stderr.read().splitlines()
    assert disk.process.wait(_TIMEOUT_SECONDS) == 1
    (line,) = lines
    assert f"cannot listen on {address}: {why}" in line
