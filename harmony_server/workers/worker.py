"""The main program of a worker, run in the child process. `worker_process` is the parent's side.

The supervisor starts it as `python -m harmony_server.workers.worker PIPE HEARTBEAT`, with the file
descriptors of the worker's end of their pipe, and of a pipe for its signs of life.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from .. import exit_codes
from ..telemetry import logs
from . import heartbeat
from .messages import Assignment, CannotStart, CollectMetrics, Ready, Reload

if TYPE_CHECKING:
    from ..process.server import Server


def main(pipe: Connection, heartbeat_descriptor: int) -> int:
    """Serves until SIGTERM or SIGINT, or until the supervisor is gone; returns the exit code."""
    try:
        assignment = pipe.recv()
    except (EOFError, OSError):
        return exit_codes.OK
    assert isinstance(assignment, Assignment), assignment
    logs.configure(assignment.settings.log_format, assignment.settings.log_level)
    return asyncio.run(_serve(assignment, pipe, heartbeat_descriptor))


async def _serve(assignment: Assignment, pipe: Connection, heartbeat_descriptor: int) -> int:
    from ..process import background
    from ..process.server import CannotStartError, Server

    stop = asyncio.Event()
    beating = background.start(heartbeat.send(heartbeat_descriptor))
    try:
        server = Server(assignment.settings, addresses=assignment.addresses, shares_ports=True)
        asyncio.get_running_loop().add_reader(pipe, _handle_message, pipe, server, stop)
        await server.serve_until_signal(lambda addresses: _send(pipe, Ready(addresses)), stop)
    except CannotStartError as error:
        _send(pipe, CannotStart(str(error)))
        return exit_codes.CANNOT_START
    finally:
        beating.cancel()
    return exit_codes.OK


def _handle_message(pipe: Connection, server: Server, stop: asyncio.Event) -> None:
    try:
        message = pipe.recv()
    except (EOFError, OSError):
        # Without a supervisor, nobody would stop this process.
        asyncio.get_running_loop().remove_reader(pipe)
        stop.set()
        return
    match message:
        case CollectMetrics():
            metrics = server.telemetry.metrics
            _send(pipe, list(metrics.registry.collect()) if metrics else [])
        case Reload():
            server.reload()


def _send(pipe: Connection, message: object) -> None:
    # If the supervisor is gone, the end of the pipe stops this process.
    with contextlib.suppress(OSError):
        pipe.send(message)


if __name__ == "__main__":
    sys.exit(main(Connection(int(sys.argv[1])), int(sys.argv[2])))
