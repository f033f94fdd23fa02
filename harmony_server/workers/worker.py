"""A process that serves beside others, looked after by the supervisor.

`python -m harmony_server.workers.worker DESCRIPTOR`: the descriptor is an end of the supervisor's
pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from .. import exit_codes
from ..telemetry import logs
from .messages import Assignment, CannotStart, CollectMetrics, Ready, Reload

if TYPE_CHECKING:
    from ..process.server import Server


def main(pipe: Connection) -> int:
    """Serves until a signal, or until the supervisor is gone, and returns the exit code."""
    try:
        assignment = pipe.recv()
    except (EOFError, OSError):
        return exit_codes.OK
    assert isinstance(assignment, Assignment), assignment
    logs.configure(assignment.settings.log_format, assignment.settings.log_level)
    return asyncio.run(_serve(assignment, pipe))


async def _serve(assignment: Assignment, pipe: Connection) -> int:
    from ..process.server import CannotStartError, Server

    stop = asyncio.Event()
    try:
        server = Server(assignment.settings, addresses=assignment.addresses, shares_ports=True)
        asyncio.get_running_loop().add_reader(pipe, _hear, pipe, server, stop)
        await server.serve_until_signal(lambda addresses: _tell(pipe, Ready(addresses)), stop)
    except CannotStartError as error:
        _tell(pipe, CannotStart(str(error)))
        return exit_codes.CANNOT_START
    return exit_codes.OK


def _hear(pipe: Connection, server: Server, stop: asyncio.Event) -> None:
    """Does what the supervisor asks for."""
    try:
        request = pipe.recv()
    except (EOFError, OSError):
        # Nobody restarts this process, or stops it: it must not be left behind.
        asyncio.get_running_loop().remove_reader(pipe)
        stop.set()
        return
    match request:
        case CollectMetrics():
            metrics = server.telemetry.metrics
            _tell(pipe, list(metrics.registry.collect()) if metrics else [])
        case Reload():
            server.reload()


def _tell(pipe: Connection, message: object) -> None:
    # That nobody hears it, the end of the pipe says, too.
    with contextlib.suppress(OSError):
        pipe.send(message)


if __name__ == "__main__":
    sys.exit(main(Connection(int(sys.argv[1]))))
