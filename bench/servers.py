"""Servers as processes of their own, and what they use."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

SERVE_COMMAND = [sys.executable, "-m", "harmony_server", "serve", "--listen", "127.0.0.1:0"]
_STOP_SECONDS = 20.0


class ServerProcess:
    """A running server.

    Attributes:
        address: Where it listens.
    """

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self.address = address
        self._pid = process.pid

    def cpu_seconds(self) -> float:
        """The CPU time it has used so far, all threads together.

        From the process's CPU clock, whose id Linux derives from the process id (as
        clock_getcpuclockid does): psutil's figure moves in steps of 10 ms.
        """
        return time.clock_gettime((~self._pid << 3) | 2)

    def resident_bytes(self) -> int:
        """The memory it holds."""
        return int(psutil.Process(self._pid).memory_info().rss)


@contextlib.contextmanager
def harmony_server(*arguments: str) -> Iterator[ServerProcess]:
    """Runs the server under test; it serves when the block begins."""
    with _running([*SERVE_COMMAND, *arguments]) as process:
        yield process


@contextlib.contextmanager
def floor_server(answer_bytes: int) -> Iterator[ServerProcess]:
    """Runs the server that does nothing."""
    command = [sys.executable, "-m", "bench.floor_server", "--answer-bytes", str(answer_bytes)]
    with _running(command) as process:
        yield process


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[ServerProcess]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line.startswith("listening on "):
                raise RuntimeError(f"{command} printed {line!r}")
            yield ServerProcess(process, line.removeprefix("listening on "))
        finally:
            process.terminate()
            process.wait(timeout=_STOP_SECONDS)
