"""A worker as the supervisor sees it: a place for a process, which may die and be replaced."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from .messages import Assignment, CannotStart, CollectMetrics, Ready, Reload

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_MODULE = f"{__package__}.worker"

# A worker that dies at once is not started at once again, and again.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
# After so long a life a death is a new one.
_STABLE_SECONDS = 60.0


class WorkerProcess:
    """A worker.

    Attributes:
        number: Which one, from 0.
        bound: Where its process serves; empty until it does.
    """

    def __init__(self, number: int, assignment: Assignment) -> None:
        self.number = number
        self.bound: list[str] = []
        self._assignment = assignment
        self._process: asyncio.subprocess.Process | None = None
        self._failure: str | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._born = 0.0
        # The threads that serve metrics use the pipe while the loop may replace it.
        self._lock = threading.Lock()
        # Nobody hears what is said into it until there is a process.
        self._pipe, _ = multiprocessing.Pipe()
        self._owes_metrics = False

    async def start(self) -> None:
        """Starts a process.

        Raises:
            OSError: The system has none to give.
        """
        self._born = time.monotonic()
        self._failure = None
        ours, theirs = multiprocessing.Pipe()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # What a terminal sends to all of its processes is the supervisor's affair.
                process_group=0,
            )
        with self._lock:
            self._pipe = ours
            self._owes_metrics = False
        self._tell(self._assignment)

    async def until_ready(self) -> bool:
        """Waits until the process serves; tells whether it does, or ends."""
        await _readable(self._pipe)
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):
            return False
        if isinstance(answer, CannotStart):
            self._failure = answer.reason
            return False
        assert isinstance(answer, Ready), answer
        self.bound = answer.addresses
        return True

    async def until_dead(self) -> str:
        """Waits until the process is gone, and says why it is."""
        if self._process is None:
            return "no process"
        code = await self._process.wait()
        with self._lock:
            self.bound = []
            self._owes_metrics = False
            self._pipe.close()
        return self._failure or f"died with exit code {code}"

    def pause_before_restart(self) -> float:
        """Returns how long to wait, in seconds: longer each time, unless it had lived long."""
        if time.monotonic() - self._born > _STABLE_SECONDS:
            self._pause = _FIRST_PAUSE_SECONDS
        pause = self._pause
        self._pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return pause

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if it lives."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def reload(self) -> None:
        """Has the process read certificates and tokens again, as soon as it can."""
        self._tell(Reload())

    def ask_for_metrics(self) -> None:
        """Asks the process for its metrics, if it serves."""
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._owes_metrics and self._pipe.poll():
                # The answer to the last question, too late for it.
                self._pipe.recv()
                self._owes_metrics = False
            if self.bound and not self._owes_metrics:
                self._pipe.send(CollectMetrics())
                self._owes_metrics = True

    def metrics(self, deadline: float) -> list[Metric] | None:
        """Returns what the process answers, or None where it does not, or not in time."""
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._owes_metrics and self._pipe.poll(max(0.0, deadline - time.monotonic())):
                self._owes_metrics = False
                families: list[Metric] = self._pipe.recv()
                return families
        return None

    def _tell(self, message: object) -> None:
        # One that is gone hears nothing.
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send(message)


async def _readable(pipe: Connection) -> None:
    """Waits until there is something to read, or the end."""
    loop = asyncio.get_running_loop()
    found = asyncio.Event()
    loop.add_reader(pipe, found.set)
    try:
        await found.wait()
    finally:
        loop.remove_reader(pipe)
