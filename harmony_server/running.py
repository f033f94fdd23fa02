"""Runs a server as the settings say, in this process or in several."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from . import exit_codes
from .settings import Settings
from .telemetry import logs

_logger = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT, and returns the exit code.

    Prints `listening on ADDRESS` for each address once the server is healthy.
    """
    logs.configure(settings.log_format, settings.log_level)
    if settings.workers > 1:
        from .workers.supervisor import Supervisor

        return Supervisor(settings, announce).run()
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    from .server import Server, stop_on_signals
    from .telemetry import serve_metrics

    stop = asyncio.Event()
    try:
        server = Server(settings)
        if settings.metrics_listen is not None and server.telemetry.metrics is not None:
            serve_metrics(settings.metrics_listen, server.telemetry.metrics.registry)
    except (ImportError, OSError, ValueError) as error:
        _logger.error("cannot start: %s", error)
        return exit_codes.CANNOT_START
    stop_on_signals(stop, server.reload)
    return await server.serve(stop, announce)


def announce(addresses: Iterable[str]) -> None:
    """Prints where the server listens."""
    for address in addresses:
        print(f"listening on {address}", flush=True)
