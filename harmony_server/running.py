"""Runs a server, in this process or in several worker processes."""

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

    Sets up logging. Once the server is healthy, prints `listening on ADDRESS` for each address and
    `metrics on ADDRESS` if it serves metrics. If the server cannot start, logs why.
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
    """Prints the server's addresses, and that of its metrics if not None.

    If standard output cannot be written, for example on a full disk, logs a warning only.
    """
    try:
        for address in addresses:
            print(f"listening on {address}", flush=True)
        if metrics is not None:
            print(f"metrics on {metrics}", flush=True)
    except OSError as error:
        _logger.warning("cannot print the addresses: %s", error.strerror or "closed")
        # Otherwise Python fails to flush the rest when it ends, and exits with code 120.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
