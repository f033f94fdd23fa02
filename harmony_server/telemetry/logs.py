"""Logs: lines for people or JSON objects, on standard error. They never have a request's text."""

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

# What is the server's fault, or its operator's business.
_SERVER_FAULTS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
}
# What `RpcLog` says of an RPC beside the event.
_FIELDS = ("method", "code", "milliseconds", "peer")
# Where asyncio's messages begin to show what a task was called with, or failed with.
_ASYNCIO_DETAILS = re.compile(r"[<(\n].*", re.DOTALL)

_current: contextvars.ContextVar[Rpc] = contextvars.ContextVar("rpc")
_logger = logging.getLogger("harmony_server.rpc")


def configure(log_format: str, level: str) -> None:
    """Sends the log, that of libraries included, to standard error."""
    # Here: no other command is to wait for it.
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
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_clients_doing)
    logging.captureWarnings(True)
    # For each RPC it says that the event loop is the one that it was.
    logging.getLogger("grpc._cython.cygrpc").setLevel(logging.INFO)
    # A line that cannot be written is lost; logging would print it with its arguments.
    logging.raiseExceptions = False
    _log_uncaught()


class RpcLog:
    """Logs the end of each RPC: at error where the server is at fault, else for debugging."""

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Makes the RPC the one that this task serves."""
        _current.set(rpc)

        def end() -> None:
            level = logging.ERROR if rpc.code in _SERVER_FAULTS else logging.DEBUG
            if _logger.isEnabledFor(level):
                values = (rpc.method.name, rpc.code.name, round(rpc.seconds * 1000, 3), rpc.peer)
                _logger.log(level, "rpc", extra=dict(zip(_FIELDS, values, strict=True)))

        return end


def request_id() -> str | None:
    """Returns the id of the RPC that this task serves; None outside of one."""
    rpc = _current.get(None)
    return rpc.request_id if rpc else None


def _is_no_clients_doing(record: logging.LogRecord) -> bool:
    """Keeps away what gRPC calls errors though any client can bring them about, without an end.

    A path that is not UTF-8, and a connection that breaks while an answer is written.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, UnicodeDecodeError | grpc.aio.InternalError)


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if current := request_id():
        event["request_id"] = current
    return event


def _withhold_details(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cuts what asyncio prints of calls, results and exceptions: it may be a request's text."""
    if event["logger"] == "asyncio":
        event["event"] = _ASYNCIO_DETAILS.sub("", event["event"]).strip()
    return event


def _describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Says what was raised and where, but not with what text: it may be a request's."""
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
    """Has what nobody catches logged like all else, instead of printed with its text."""
    logger = logging.getLogger("harmony_server")

    def log(_type: object, error: BaseException | None, *_: object) -> None:
        logger.critical("uncaught exception", exc_info=error)

    sys.excepthook = log
    threading.excepthook = lambda it: log(it.exc_type, it.exc_value)
    sys.unraisablehook = lambda it: log(it.exc_type, it.exc_value)
