"""Logs: lines for people or JSON objects, on standard error. They never have a request's text."""

from __future__ import annotations

import contextvars
import logging
import sys
import traceback
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc
import structlog

from .rpcs import Rpc

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

REQUEST_ID_KEY = "x-request-id"
_MAX_REQUEST_ID = 128

# What is the server's fault, or its operator's business.
_SERVER_FAULTS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DATA_LOSS,
}

_request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")
_logger = structlog.stdlib.get_logger("harmony_server.rpc")


def configure(log_format: str, level: str) -> None:
    """Sends the log, that of libraries included, to standard error."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        _describe_exception,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if log_format == "json":
        last: Processor = structlog.processors.JSONRenderer()
    else:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())


class RpcLog:
    """Gives each RPC a request id, and logs its end: at error where the server is at fault."""

    def begin(self, rpc: Rpc) -> Callable[[], None]:
        """Sets the request id: the client's, or a new one."""
        request_id = _request_id_of(rpc)
        _request_id.set(request_id)

        def end() -> None:
            level = logging.ERROR if rpc.code in _SERVER_FAULTS else logging.DEBUG
            if _logger.isEnabledFor(level):
                _logger.log(
                    level,
                    "rpc",
                    method=rpc.method,
                    code=rpc.code.name,
                    milliseconds=round(rpc.seconds * 1000, 3),
                    peer=rpc.peer,
                    request_id=request_id,
                )

        return end


def request_id() -> str | None:
    """Returns the id of the RPC that this task serves; None outside of one."""
    return _request_id.get(None)


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    current = _request_id.get(None)
    if current is not None:
        event.setdefault("request_id", current)
    return event


def _describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Says what was raised and where, but not with what text: it may be the request's."""
    exc_info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if exc_info is True else exc_info
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = type(error).__name__
        event["stack"] = [
            f"{frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
    return event


def _request_id_of(rpc: Rpc) -> str:
    for key, value in rpc.metadata:
        # What a client sends must not forge a line or fill the disk.
        if key == REQUEST_ID_KEY and isinstance(value, str) and value.isprintable():
            return value[:_MAX_REQUEST_ID]
    return uuid.uuid4().hex
