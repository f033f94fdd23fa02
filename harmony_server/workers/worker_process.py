"""A worker as the supervisor, its parent, sees it. `worker` is what runs in the child process."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from . import heartbeat
from .messages import Assignment, CannotStart, CollectMetrics, Ready, Reload

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_MODULE = f"{__package__}.worker"

# Back-off, so that a worker that dies at start-up is not restarted in a tight loop.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
# A worker that lived this long restarts without back-off.
_STABLE_SECONDS = 60.0


class WorkerProcess:
    """One of the supervisor's workers: its current process, and the pipe to that.

    Each `start` replaces a process that died. `request_metrics` and `receive_metrics` may be called
    from any thread, all other methods only from the event loop.

    Attributes:
        number: Its number, from 0.
        addresses: The addresses that its process serves on; empty while there is none that serves.
    """

    def __init__(self, number: int, assignment: Assignment) -> None:
        self.number = number
        self.addresses: list[str] = []
        self._assignment = assignment
        self._process: asyncio.subprocess.Process | None = None
        self._failure: str | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        # Threads that serve metrics use the pipe while the event loop may replace it.
        self._lock = threading.Lock()
        # A pipe without a reader, until there is a process.
        self._pipe, _ = multiprocessing.Pipe()
        self._awaits_metrics = False
        # The end of the process's pipe for signs of life; None: no process.
        self._heartbeat: int | None = None

    async def start(self) -> None:
        """Starts a process; call it only when there is none.

        Raises:
            OSError: The system cannot create a process.
        """
        self._started_at = time.monotonic()
        self._failure = None
        ours, theirs = multiprocessing.Pipe()
        beats, beat = os.pipe()
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    _MODULE,
                    str(theirs.fileno()),
                    str(beat),
                    pass_fds=[theirs.fileno(), beat],
                    stdin=subprocess.DEVNULL,
                    # Ctrl-C in a terminal goes to the supervisor only.
                    process_group=0,
                )
        except OSError:
            os.close(beats)
            raise
        finally:
            os.close(beat)
        self._close_heartbeat()
        self._heartbeat = beats
        with self._lock:
            self._pipe = ours
            self._awaits_metrics = False
        self._send(self._assignment)

    async def until_ready(self) -> bool:
        """Waits until the process serves, and returns True, or cannot start, and returns False."""
        await _until_readable(self._pipe)
        try:
            reply = self._pipe.recv()
        except (EOFError, OSError):
            return False
        if isinstance(reply, CannotStart):
            self._failure = reply.reason
            return False
        assert isinstance(reply, Ready), reply
        self.addresses = reply.addresses
        return True

    async def until_dead_or_silent(self) -> str:
        """Like `until_dead`, but kills the process if its signs of life stay away."""
        assert self._heartbeat is not None, "call it after start"
        missing = asyncio.create_task(heartbeat.until_missing(self._heartbeat))
        dead = asyncio.create_task(self.until_dead())
        try:
            await asyncio.wait([missing, dead], return_when=asyncio.FIRST_COMPLETED)
            if not dead.done():
                self._failure = f"gave no sign of life for {heartbeat.MOST_MISSED} s"
                self.signal(signal.SIGKILL)
            return await dead
        finally:
            missing.cancel()
            dead.cancel()

    async def until_dead(self) -> str:
        """Waits until the process has ended, closes its pipe, and returns why it ended."""
        if self._process is None:
            return "not started"
        code = await self._process.wait()
        self._close_heartbeat()
        with self._lock:
            self.addresses = []
            self._awaits_metrics = False
            self._pipe.close()
        return self._failure or f"died with exit code {code}"

    def _close_heartbeat(self) -> None:
        if self._heartbeat is not None:
            os.close(self._heartbeat)
            self._heartbeat = None

    def next_pause(self) -> float:
        """Returns how long to wait before a restart, in seconds; doubles on each call, up to 10 s.

        It is back at 0.1 s after a process that lived for a minute.
        """
        if time.monotonic() - self._started_at > _STABLE_SECONDS:
            self._pause = _FIRST_PAUSE_SECONDS
        pause = self._pause
        self._pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return pause

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if it is alive."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def reload(self) -> None:
        """Makes the process read certificates and tokens again, once it serves."""
        self._send(Reload())

    def request_metrics(self) -> None:
        """Asks the process for its metrics, if it serves; `receive_metrics` returns them."""
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._awaits_metrics and self._pipe.poll():
                # The reply to an earlier request, after its deadline.
                self._pipe.recv()
                self._awaits_metrics = False
            if self.addresses and not self._awaits_metrics:
                self._pipe.send(CollectMetrics())
                self._awaits_metrics = True

    def receive_metrics(self, deadline: float) -> list[Metric] | None:
        """Returns the requested metrics; None if they do not arrive by `deadline`, monotonic."""
        with self._lock, contextlib.suppress(EOFError, OSError):
            if self._awaits_metrics and self._pipe.poll(max(0.0, deadline - time.monotonic())):
                self._awaits_metrics = False
                families: list[Metric] = self._pipe.recv()
                return families
        return None

    def _send(self, message: object) -> None:
        # The process may have died.
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send(message)


async def _until_readable(pipe: Connection) -> None:
    """Waits until the pipe has a message or is at its end."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(pipe, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(pipe)
