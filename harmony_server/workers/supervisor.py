"""The parent process: starts the workers, restarts those that die, and stops them."""

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
from ..process.bearer_tokens import BearerTokens
from ..process.signals import obey_signals
from ..settings import Settings
from .messages import Assignment
from .placement import SharedPort, socket_of_worker
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# A worker that takes longer is left out of the scrape.
_COLLECT_SECONDS = 1.0
# Added to a worker's drain and grace periods before it is killed.
_KILL_SECONDS = 5.0

_logger = logging.getLogger(__name__)


class Supervisor:
    """Runs a server as several worker processes.

    Args:
        settings: The server's settings.
        announce: Called once all workers serve, with their addresses and that of the metrics, or
            None.
    """

    def __init__(
        self, settings: Settings, announce: Callable[[Iterable[str], str | None], None]
    ) -> None:
        self._settings = settings
        self._announce = announce
        self._workers: list[WorkerProcess] = []
        self._restarts = 0
        self._metrics_address: str | None = None
        self._collecting = threading.Lock()

    def run(self) -> int:
        """Serves until SIGTERM or SIGINT, stops the workers, and returns the exit code."""
        return asyncio.run(self._run())

    async def _run(self) -> int:
        stop = asyncio.Event()
        obey_signals(stop, self._reload)
        with contextlib.ExitStack() as ports:
            try:
                self._workers = self._place_workers(ports)
                if self._settings.metrics_listen is not None:
                    # Imported here because prometheus_client is slow to load.
                    from .metrics import WorkersCollector

                    collector = WorkersCollector(
                        self._settings.workers, self._collect, lambda: self._restarts
                    )
                    token_file = self._settings.metrics_token_file
                    self._metrics_address = collector.serve(
                        self._settings.metrics_listen,
                        BearerTokens(token_file).admit if token_file else None,
                    )
                return await self._supervise(stop)
            except (OSError, ValueError) as error:
                _logger.error("cannot start: %s", error)
                return exit_codes.CANNOT_START

    def _place_workers(self, ports: contextlib.ExitStack) -> list[WorkerProcess]:
        addresses = self._settings.addresses
        unix = [address for address in addresses if address.socket_path is not None]
        shared = [
            ports.enter_context(contextlib.closing(SharedPort(address))).address
            for address in addresses
            if address.socket_path is None
        ]
        return [
            WorkerProcess(
                number,
                Assignment(
                    self._settings,
                    shared + [socket_of_worker(address, number) for address in unix],
                ),
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
                # Report one failure only: the others are likely to have the same reason.
                for number, failure in enumerate(starting.result()):
                    if failure is not None:
                        _logger.error("cannot start: worker %d: %s", number, failure)
                        return exit_codes.CANNOT_START
                # Workers share TCP addresses; announce each once.
                bound = dict.fromkeys(
                    address for worker in self._workers for address in worker.addresses
                )
                self._announce(bound, self._metrics_address)
                tasks += [background.start(self._keep_alive(worker)) for worker in self._workers]
                await stopping
            return exit_codes.OK
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop()

    async def _keep_alive(self, worker: WorkerProcess) -> None:
        """Restarts a worker whenever it dies, until cancelled."""
        failure: str | None = await worker.until_dead_or_silent()
        while True:
            pause = worker.next_pause()
            _logger.error("worker %d: %s; restarting in %.1f s", worker.number, failure, pause)
            await asyncio.sleep(pause)
            self._restarts += 1
            failure = await _start(worker)
            if failure is None:
                _logger.info("worker %d serves again", worker.number)
                failure = await worker.until_dead_or_silent()

    async def _stop(self) -> None:
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
        deaths = [asyncio.create_task(worker.until_dead()) for worker in self._workers]
        timeout = self._settings.drain_seconds + self._settings.grace_seconds + _KILL_SECONDS
        await asyncio.wait(deaths, timeout=timeout)
        for worker in self._workers:
            worker.signal(signal.SIGKILL)
        await asyncio.wait(deaths)

    def _reload(self) -> None:
        for worker in self._workers:
            worker.reload()

    def _collect(self) -> dict[int, list[Metric]]:
        with self._collecting:
            for worker in self._workers:
                worker.request_metrics()
            deadline = time.monotonic() + _COLLECT_SECONDS
            replies = {worker.number: worker.receive_metrics(deadline) for worker in self._workers}
        return {number: families for number, families in replies.items() if families is not None}


async def _start(worker: WorkerProcess) -> str | None:
    """Starts a worker and waits until it serves; returns None, or why it does not serve."""
    try:
        await worker.start()
    except OSError as error:
        return f"cannot create a process: {error.strerror}"
    return None if await worker.until_ready() else await worker.until_dead()
