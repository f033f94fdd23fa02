"""Starts the workers, restarts those that die, and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import exit_codes
from ..process import background
from ..process.signals import obey_signals
from ..settings import Settings
from .messages import Assignment
from .placement import SharedPort, socket_of_worker
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# How long a worker may take to say what it measured, before the others are reported without it.
_COLLECT_SECONDS = 1.0
# How long beyond its own grace a worker may take to stop.
_KILL_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class Supervisor:
    """Serves with several processes.

    Args:
        settings: What the server is to be like.
        announce: Called with the addresses, and that of the metrics, once all workers serve.
    """

    def __init__(
        self, settings: Settings, announce: Callable[[Iterable[str], str | None], None]
    ) -> None:
        self._settings = settings
        self._announce = announce
        self._workers: list[WorkerProcess] = []
        self._restarts = 0
        self._metrics: str | None = None
        self._collecting = threading.Lock()

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT, and returns the exit code."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        stop = asyncio.Event()
        obey_signals(stop, self._reload)
        with contextlib.ExitStack() as ports:
            try:
                self._workers = self._place_workers(ports)
                if self._settings.metrics_listen is not None:
                    # Here: their library takes long to load.
                    from .metrics import WorkersCollector

                    collector = WorkersCollector(
                        self._settings.workers, self._collect, lambda: self._restarts
                    )
                    self._metrics = collector.serve(self._settings.metrics_listen)
                return await self._supervise(stop)
            except OSError as error:
                _logger.error("cannot start: %s", error)
                return exit_codes.CANNOT_START

    def _place_workers(self, ports: contextlib.ExitStack) -> list[WorkerProcess]:
        addresses = self._settings.addresses
        unix = [it for it in addresses if it.socket_path is not None]
        common = [
            ports.enter_context(contextlib.closing(SharedPort(it))).address
            for it in addresses
            if it.socket_path is None
        ]
        return [
            WorkerProcess(
                number,
                Assignment(self._settings, common + [socket_of_worker(it, number) for it in unix]),
            )
            for number in range(self._settings.workers)
        ]

    async def _supervise(self, stop: asyncio.Event) -> int:
        stopping = asyncio.create_task(stop.wait())
        starting = asyncio.gather(*map(_start, self._workers))
        tasks: list[asyncio.Future[Any]] = [stopping, starting]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                # One says why: the others are likely to say the same.
                for number, failure in enumerate(starting.result()):
                    if failure is not None:
                        _logger.error("cannot start: worker %d: %s", number, failure)
                        return exit_codes.CANNOT_START
                # A port is common to all: it is named once.
                bound = dict.fromkeys(text for it in self._workers for text in it.bound)
                self._announce(bound, self._metrics)
                tasks += [background.start(self._keep(it)) for it in self._workers]
                await stopping
            return exit_codes.OK
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop()

    async def _keep(self, it: WorkerProcess) -> None:
        """Restarts a worker whenever it dies."""
        failure: str | None = await it.until_dead()
        while True:
            pause = it.pause_before_restart()
            _logger.error("worker %d: %s; started again in %.1f s", it.number, failure, pause)
            await asyncio.sleep(pause)
            self._restarts += 1
            failure = await _start(it)
            if failure is None:
                _logger.info("worker %d serves again", it.number)
                failure = await it.until_dead()

    async def _stop(self) -> None:
        for it in self._workers:
            it.signal(signal.SIGTERM)
        deaths = [asyncio.create_task(it.until_dead()) for it in self._workers]
        patience = self._settings.drain_seconds + self._settings.grace_seconds + _KILL_SECONDS
        await asyncio.wait(deaths, timeout=patience)
        for it in self._workers:
            it.signal(signal.SIGKILL)
        await asyncio.wait(deaths)

    def _reload(self) -> None:
        for it in self._workers:
            it.reload()

    def _collect(self) -> dict[int, list[Metric]]:
        with self._collecting:
            for it in self._workers:
                it.ask_for_metrics()
            deadline = time.monotonic() + _COLLECT_SECONDS
            found = {it.number: it.metrics(deadline) for it in self._workers}
        return {number: families for number, families in found.items() if families is not None}


async def _start(it: WorkerProcess) -> str | None:
    """Starts a worker and waits until it serves; returns why it does not, or None."""
    try:
        await it.start()
    except OSError as error:
        return f"no process: {error.strerror}"
    return None if await it.until_ready() else await it.until_dead()
