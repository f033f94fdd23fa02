"""A server with workers, in its own session, which must leave no process behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from devtools.server_process import serve_command
from tests.support.waiting import eventually

_TIMEOUT_SECONDS = 60
_LISTENING = "listening on "
_METRICS = "metrics on "


class Supervised:
    """A server that may still be starting.

    Attributes:
        process: The supervisor.
        addresses: The addresses that it reports; empty before `until_serving`.
        metrics: The address of its metrics.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.addresses: list[str] = []
        self.metrics = ""
        self._log = log

    def until_serving(self) -> None:
        """Waits until the server has reported its addresses."""
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, ""):
            if line.startswith(_METRICS):
                self.metrics = line.removeprefix(_METRICS).strip()
                return
            self.addresses.append(line.removeprefix(_LISTENING).strip())
        raise AssertionError(f"the server did not start: {self.log()}")

    def log(self) -> list[str]:
        """Returns the lines that the server wrote to standard error."""
        return self._log.read_text().splitlines()

    def workers(self) -> list[psutil.Process]:
        """Returns the live workers in the order in which they started."""
        found = psutil.Process(self.process.pid).children()
        living = [child for child in found if child.status() != psutil.STATUS_ZOMBIE]
        return sorted(living, key=psutil.Process.create_time)

    def until_replaced(self, *gone: psutil.Process) -> None:
        """Waits until new workers serve in place of those that are gone."""
        eventually(lambda: self.count_log("serves again") >= len(gone))

    def until_logged(self, text: str, times: int) -> None:
        """Waits until exactly `times` lines of the log have a text."""
        eventually(lambda: self.count_log(text) == times)

    def count_log(self, text: str) -> int:
        """Returns the number of log lines with a text."""
        return sum(text in line for line in self.log())

    def signal_group(self, number: signal.Signals) -> None:
        """Sends a signal to the process group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        """Waits for the server to exit and returns its exit code."""
        return self.process.wait(_TIMEOUT_SECONDS)

    def left_behind(self) -> list[psutil.Process]:
        """Returns the remaining processes of the server, itself included."""
        return [
            process for process in psutil.process_iter() if _session(process) == self.process.pid
        ]


@contextlib.contextmanager
def starting(
    *arguments: str, workers: int = 2, variables: Mapping[str, str] | None = None
) -> Iterator[Supervised]:
    """Starts a server, which must exit cleanly on SIGTERM if it still runs at the end."""
    command = serve_command(
        "--workers", str(workers), "--metrics-listen", "127.0.0.1:0", *arguments
    )
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **(variables or {})},
                # Its own session identifies processes that it leaves behind.
                start_new_session=True,
            ) as process,
        ):
            server = Supervised(process, log)
            try:
                yield server
                if process.poll() is None:
                    process.terminate()
                    assert server.wait() == 0, server.log()
                eventually(lambda: not server.left_behind())
                assert server.count_log("Traceback") == 0, server.log()
            finally:
                for left in server.left_behind():
                    left.kill()


@contextlib.contextmanager
def serving(*arguments: str, workers: int = 2) -> Iterator[Supervised]:
    """Starts a server and yields it once it serves."""
    with starting(*arguments, workers=workers) as server:
        server.until_serving()
        yield server


def _session(process: psutil.Process) -> int | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE and process.ppid() == os.getpid():
            # Our own child, waiting to be reaped.
            return None
        return os.getsid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
