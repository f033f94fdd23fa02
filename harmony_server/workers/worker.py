"""A process that serves beside others, looked after by the supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from .. import exit_codes
from ..addresses import Address
from ..settings import Settings
from ..telemetry import logs
from .messages import CollectMetrics, Ready

_logger = logging.getLogger(__name__)


def main(settings: Settings, addresses: Sequence[Address], pipe: Connection) -> None:
    """Serves until a signal, or until the supervisor is gone; exits with the server's code."""
    logs.configure(settings.log_format, settings.log_level)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.exit(asyncio.run(_serve(settings, addresses, pipe)))


async def _serve(settings: Settings, addresses: Sequence[Address], pipe: Connection) -> int:
    from ..server import Server, stop_on_signals

    stop = asyncio.Event()
    try:
        server = Server(settings, addresses=addresses, shares_ports=True)
    except (ImportError, OSError, ValueError) as error:
        _logger.error("cannot start: %s", error)
        return exit_codes.CANNOT_START
    stop_on_signals(stop, server.reload)

    def answer() -> None:
        try:
            request = pipe.recv()
        except (EOFError, OSError):
            # Nobody restarts this process, or stops it: it must not be left behind.
            asyncio.get_running_loop().remove_reader(pipe)
            stop.set()
            return
        assert isinstance(request, CollectMetrics), request
        metrics = server.telemetry.metrics
        pipe.send(list(metrics.registry.collect()) if metrics else [])

    asyncio.get_running_loop().add_reader(pipe, answer)
    return await server.serve(stop, lambda bound: pipe.send(Ready(bound)))
