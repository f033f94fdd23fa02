"""Runs a server as the settings say, in this process or in several."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterable

from . import exit_codes
from .settings import Settings
from .telemetry import logs

_logger = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT, and returns the exit code.

    Prints `listening on ADDRESS` for each address once the server is healthy, and where its metrics
    are.
    """
    logs.configure(settings.log_format, settings.log_level)
    if settings.workers > 1:
        from .workers.supervisor import Supervisor

        return Supervisor(settings, announce).run()
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    from .process.server import CannotStartError, Server

    try:
        server = Server(settings)
        metrics = server.serve_metrics()
        await server.serve_until_signal(lambda addresses: announce(addresses, metrics))
    except CannotStartError as error:
        _logger.error("cannot start: %s", error)
        return exit_codes.CANNOT_START
    return exit_codes.OK


def announce(addresses: Iterable[str], metrics: str | None) -> None:
    """Prints where the server listens, and where its metrics are.

    Where that cannot be written, on a full disk or to a reader that is gone, the server serves all
    the same.
    """
    try:
        for address in addresses:
            print(f"listening on {address}", flush=True)
        if metrics is not None:
            print(f"metrics on {metrics}", flush=True)
    except OSError as error:
        _logger.warning("cannot print where the server listens: %s", error.strerror)
        # What is still to be written would fail once more when the process ends: exit code 120.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
