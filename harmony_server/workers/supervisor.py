"""Starts the workers, restarts those that die, and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any

from .. import exit_codes
from ..addresses import Address
from ..settings import Settings
from ..telemetry import serve_metrics
from . import worker
from .messages import CollectMetrics, Ready
from .metrics import WorkersCollector
from .placement import SharedPort, socket_of_worker

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# A worker that dies at once is not started at once again, and again.
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
# After so long a life a death is a new one.
_STABLE_SECONDS = 60.0
# How long a worker may take to say what it measured, before the others are reported without it.
_COLLECT_SECONDS = 1.0
# How long beyond its own grace a worker may take to stop.
_KILL_SECONDS = 5.0

# Not fork: gRPC's threads do not survive it.
_processes = multiprocessing.get_context("spawn")
_logger = logging.getLogger(__name__)


class _Worker:
    """A place for a process; the process in it may change.

    Attributes:
        number: Which place, from 0.
        addresses: Where it listens.
        process: The process that is in it now.
        bound: Where that process serves; empty until it does.
    """

    def __init__(self, number: int, settings: Settings, addresses: list[Address]) -> None:
        self.number = number
        self._settings = settings
        self._addresses = addresses
        self._pause = _FIRST_PAUSE_SECONDS
        self._born = 0.0
        # The thread that serves metrics uses the pipe while the loop may replace it.
        self._lock = threading.Lock()
        self._pipe: Connection
        self.process: SpawnProcess
        self.bound: list[str] = []

    def start(self) -> None:
        """Starts a process."""
        ours, theirs = _processes.Pipe()
        self.process = _processes.Process(
            target=worker.main,
            args=(self._settings, self._addresses, theirs),
            name=f"harmony-worker-{self.number}",
        )
        self.process.start()
        theirs.close()
        with self._lock:
            self._pipe = ours
        self._born = time.monotonic()

    async def until_ready(self) -> bool:
        """Waits until the process serves; tells whether it does, or died."""
        await _readable(self._pipe.fileno())
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            return False
        assert isinstance(message, Ready), message
        self.bound = message.addresses
        return True

    async def until_dead(self) -> None:
        """Waits until the process is gone."""
        await _readable(self.process.sentinel)
        self.process.join()
        with self._lock:
            self.bound = []
            self._pipe.close()

    def pause_before_restart(self) -> float:
        """Returns how long to wait, in seconds: longer each time, unless it had lived long."""
        if time.monotonic() - self._born > _STABLE_SECONDS:
            self._pause = _FIRST_PAUSE_SECONDS
        pause = self._pause
        self._pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return pause

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process, if it lives."""
        if self.process.is_alive() and self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def collect(self) -> list[Metric] | None:
        """Returns the metrics of the process, or None where it does not answer."""
        with self._lock:
            if not self.bound:
                return None
            try:
                self._pipe.send(CollectMetrics())
                answered = self._pipe.poll(_COLLECT_SECONDS)
                families: list[Metric] | None = self._pipe.recv() if answered else None
            except (EOFError, OSError):
                return None
            if not answered:
                # Its late answer would be taken for that to the next question.
                self.bound = []
            return families


class Supervisor:
    """Serves with several processes.

    Args:
        settings: What the server is to be like.
        announce: Called with the addresses once all workers serve.
    """

    def __init__(self, settings: Settings, announce: Callable[[Iterable[str]], None]) -> None:
        self._settings = settings
        self._announce = announce
        self._workers: list[_Worker] = []
        self._restarts = 0

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT, and returns the exit code."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._signal, signal.SIGHUP)
        tcp = [address for address in self._settings.addresses if address.socket_path is None]
        unix = [address for address in self._settings.addresses if address.socket_path is not None]
        with contextlib.ExitStack() as ports:
            try:
                shared = [ports.enter_context(contextlib.closing(SharedPort(it))) for it in tcp]
                if self._settings.metrics_listen is not None:
                    collector = WorkersCollector(self._collect, lambda: self._restarts)
                    serve_metrics(self._settings.metrics_listen, collector.registry())
            except OSError as error:
                _logger.error("cannot start: %s", error)
                return exit_codes.CANNOT_START
            common = [port.address for port in shared]
            for number in range(self._settings.workers):
                own = [socket_of_worker(address, number) for address in unix]
                self._workers.append(_Worker(number, self._settings, common + own))
            return await self._supervise(stop)

    async def _supervise(self, stop: asyncio.Event) -> int:
        for it in self._workers:
            it.start()
        stopping = asyncio.ensure_future(stop.wait())
        starting = asyncio.gather(*(it.until_ready() for it in self._workers))
        both: list[asyncio.Future[Any]] = [stopping, starting]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and all(starting.result()):
            # A port is common to all: it is named once.
            self._announce(dict.fromkeys(text for it in self._workers for text in it.bound))
            keepers = [asyncio.create_task(self._keep(it)) for it in self._workers]
            await stopping
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await self._stop()
        # One that died before it served has said why.
        return exit_codes.OK if stop.is_set() else exit_codes.CANNOT_START

    async def _keep(self, it: _Worker) -> None:
        """Restarts a worker whenever it dies."""
        while True:
            await it.until_dead()
            pause = it.pause_before_restart()
            _logger.error(
                "worker %d died with exit code %s and is restarted in %.1f s",
                it.number,
                it.process.exitcode,
                pause,
            )
            await asyncio.sleep(pause)
            self._restarts += 1
            it.start()
            if await it.until_ready():
                _logger.info("worker %d serves again", it.number)

    async def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        deaths = [asyncio.create_task(it.until_dead()) for it in self._workers]
        patience = self._settings.drain_seconds + self._settings.grace_seconds + _KILL_SECONDS
        await asyncio.wait(deaths, timeout=patience)
        self._signal(signal.SIGKILL)
        await asyncio.wait(deaths)

    def _signal(self, number: signal.Signals) -> None:
        for it in self._workers:
            it.signal(number)

    def _collect(self) -> dict[int, list[Metric]]:
        found = {it.number: it.collect() for it in self._workers}
        return {number: families for number, families in found.items() if families is not None}


async def _readable(descriptor: int) -> None:
    """Waits until a descriptor can be read, or is at its end."""
    loop = asyncio.get_running_loop()
    found = asyncio.Event()
    loop.add_reader(descriptor, found.set)
    try:
        await found.wait()
    finally:
        loop.remove_reader(descriptor)
