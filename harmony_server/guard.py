"""The one place where what an RPC's work raises becomes a status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

import grpc

from .request_error import RequestError
from .telemetry.logs import request_id

_Result = TypeVar("_Result")

_logger = logging.getLogger(__name__)


async def guard(work: Awaitable[_Result], context: grpc.aio.ServicerContext[Any, Any]) -> _Result:
    """Awaits the work of an RPC and turns what it raises into a status.

    Raises:
        asyncio.CancelledError: The RPC is cancelled, or its client is gone.
    """
    try:
        return await work
    except RequestError as error:
        failure = error
    except grpc.aio.InternalError:
        # gRPC cannot write any more: the client is gone, which nobody here is at fault for.
        raise asyncio.CancelledError from None
    except (
        grpc.aio.AbortError,
        asyncio.CancelledError,
        KeyboardInterrupt,
        SystemExit,
        GeneratorExit,
    ):
        raise
    except BaseException:
        # A panic of the tokenizer, which is Rust, is no Exception; unanswered, its caller waits.
        _logger.exception("unexpected error while serving an RPC")
        metadata = {"request_id": it} if (it := request_id()) else {}
        failure = RequestError(
            grpc.StatusCode.INTERNAL, "INTERNAL", "internal error", metadata=metadata
        )
    # Outside of the try: the exception by which abort ends a handler is an Exception too.
    return await failure.abort(context)
