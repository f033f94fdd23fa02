"""The one place where what the work of an RPC raises becomes a status."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NoReturn

import grpc
from grpc_status import rpc_status

from .contract.statuses import to_status
from .operations.errors import Reason, RequestError
from .telemetry.logs import request_id

# What ends an RPC without being an error of its work.
_PASSED_ON = (
    asyncio.CancelledError,
    grpc.aio.AbortError,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
)

_logger = logging.getLogger(__name__)


_CODES = {code.value[0]: code for code in grpc.StatusCode}


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: RequestError) -> NoReturn:
    """Ends the RPC with the status of an error.

    Raises:
        grpc.aio.AbortError: It did.
        asyncio.CancelledError: The client is gone.
    """
    details = to_status(error)
    status = rpc_status.to_status(details)
    try:
        await context.abort(_CODES[details.code], status.details, status.trailing_metadata)
    except grpc.aio.InternalError:
        # gRPC cannot write any more; by itself it would log that as an error.
        raise asyncio.CancelledError from None


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
