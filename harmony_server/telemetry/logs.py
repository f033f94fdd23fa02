"""The log on standard error, as text or JSON lines. It never contains text of a request."""

from __future__ import annotations

import contextvars
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc

from .rpcs import Rpc

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

# Statuses that are the server's fault.
_SERVER_FAULTS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
}
# The fields that `RpcLog` adds to its event.
_FIELDS = ("method", "code", "milliseconds", "peer")
# Where asyncio's messages begin to quote a task's arguments, result or exception.
_ASYNCIO_DETAILS = re.compile(r"[<(\n].*", re.DOTALL)

_current: contextvars.ContextVar[Rpc] = contextvars.ContextVar("rpc")
_logger = logging.getLogger("harmony_server.rpc")


def configure(log_format: str, level: str) -> None:
    """Sets up logging for the whole process, libraries included.

    Args:
        log_format: console or json.
        level: The lowest level to log: debug, info, warning or error.
    """
    # Imported here so that other commands start faster.
    import structlog

    if log_format == "json":
        last: Processor = structlog.processors.JSONRenderer()
    else:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(_FIELDS),
                _add_request_id,
                _withhold_details,
                _describe_exception,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_not_caused_by_client)
    logging.captureWarnings(True)
    # At debug level it logs its event loop for every RPC.
    logging.getLogger("grpc._cython.cygrpc").setLevel(logging.INFO)
    # Otherwise logging prints a line that it cannot write, with its arguments.
    logging.raiseExceptions = False
    _log_uncaught()


class RpcLog:
    """Logs the end of each RPC: at level error if the server is at fault, else debug."""

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Makes this the RPC of the current task; the result logs its end."""
        _current.set(rpc)

        def end() -> None:
            level = logging.ERROR if rpc.code in _SERVER_FAULTS else logging.DEBUG
            if _logger.isEnabledFor(level):
                values = (rpc.method.name, rpc.code.name, round(rpc.seconds * 1000, 3), rpc.peer)
                _logger.log(level, "rpc", extra=dict(zip(_FIELDS, values, strict=True)))

        return end


def request_id() -> str | None:
    """Returns the id of the RPC that the current task serves; None if it serves none."""
    rpc = _current.get(None)
    return rpc.request_id if rpc else None


def _is_not_caused_by_client(record: logging.LogRecord) -> bool:
    """Filters out errors that any client can cause, and so fill the log.

    They are a path that is not UTF-8 and a connection that breaks during a response.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, UnicodeDecodeError | grpc.aio.InternalError)


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if current := request_id():
        event["request_id"] = current
    return event


def _withhold_details(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cuts arguments, results and exceptions from asyncio's messages: they may quote a request."""
    if event["logger"] == "asyncio":
        event["event"] = _ASYNCIO_DETAILS.sub("", event["event"]).strip()
    return event


def _describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replaces an exception by its type and place: its message may quote a request."""
    exc_info = event.pop("exc_info", None)
    if isinstance(exc_info, tuple) and exc_info[1] is not None:
        error = exc_info[1]
        event["error"] = type(error).__name__
        event["where"] = [
            f"{frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event


def _log_uncaught() -> None:
    """Logs uncaught exceptions, which would otherwise be printed with their messages."""
    logger = logging.getLogger("harmony_server")

    def log(_type: object, error: BaseException | None, *_: object) -> None:
        logger.critical("uncaught exception", exc_info=error)

    sys.excepthook = log
    threading.excepthook = lambda raised: log(raised.exc_type, raised.exc_value)
    sys.unraisablehook = lambda raised: log(raised.exc_type, raised.exc_value)
