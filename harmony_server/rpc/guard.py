"""The one place where what the work of an RPC raises becomes a status."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc

from ..operations.errors import Reason, RequestError
from ..telemetry.logs import request_id
from .statuses import abort

# What ends an RPC without being an error of its work.
_PASSED_ON = (
    asyncio.CancelledError,
    grpc.aio.AbortError,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
)

_logger = logging.getLogger(__name__)


class Guard:
    """Turns what the block that does the work of an RPC raises into a status.

    A class, since a coroutine around a stream would take memory for as long as that is open.

    Raises:
        asyncio.CancelledError: The RPC is cancelled, or its client is gone.
        grpc.aio.AbortError: The RPC ended with the status.
    """

    __slots__ = ("_context",)

    def __init__(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self._context = context

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, _type: object, error: BaseException | None, _traceback: object
    ) -> None:
        if error is None or isinstance(error, _PASSED_ON):
            return
        if isinstance(error, grpc.aio.InternalError):
            # gRPC cannot write any more: the client is gone, which nobody here is at fault for.
            raise asyncio.CancelledError from None
        if isinstance(error, RequestError):
            await abort(self._context, error)
        # A panic of the tokenizer, which is Rust, is no Exception; unanswered, its caller waits.
        _logger.error("unexpected error while serving an RPC", exc_info=error)
        metadata = {"request_id": it} if (it := request_id()) else {}
        failure = RequestError(Reason.INTERNAL, "internal error", metadata=metadata)
        await abort(self._context, failure)
