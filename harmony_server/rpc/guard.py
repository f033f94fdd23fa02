"""Turns every exception in the work of an RPC into a status."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import grpc

from ..contract.statuses import DOMAIN
from ..operations.errors import Reason, RequestError
from ..telemetry.logs import request_id
from .statuses import abort

# These end an RPC without an error in its work.
_PROPAGATED = (
    asyncio.CancelledError,
    grpc.aio.AbortError,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
)

_logger = logging.getLogger(__name__)


class Guard:
    """Turns an exception of the block, which does the work of an RPC, into the RPC's status.

    A RequestError becomes its own status. Any other exception is logged and becomes INTERNAL,
    without its text.

    This is a class because a coroutine would take memory for as long as a stream is open.

    Args:
        context: The RPC.
        domain: The domain of its errors.

    Raises:
        asyncio.CancelledError: The RPC was cancelled, or the client has gone.
        grpc.aio.AbortError: The RPC has ended with the status.
    """

    __slots__ = ("_context", "_domain")

    def __init__(self, context: grpc.aio.ServicerContext[Any, Any], domain: str = DOMAIN) -> None:
        self._context = context
        self._domain = domain

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, _type: object, error: BaseException | None, _traceback: object
    ) -> None:
        if error is None or isinstance(error, _PROPAGATED):
            return
        if isinstance(error, grpc.aio.InternalError):
            # gRPC cannot write to a client that has gone, which is not an error of the server.
            raise asyncio.CancelledError from None
        if isinstance(error, RequestError):
            # Its frames hold the request, and the client may never read the status.
            traceback.clear_frames(error.__traceback__)
            await abort(self._context, error, self._domain)
        # Panics of the Rust tokenizer derive from BaseException; the client still needs a status.
        _logger.error("unexpected error while serving an RPC", exc_info=error)
        log_id = request_id()
        metadata = {"request_id": log_id} if log_id else {}
        failure = RequestError(Reason.INTERNAL, "internal error", metadata=metadata)
        await abort(self._context, failure, self._domain)
