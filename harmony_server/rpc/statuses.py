"""Ends RPCs with the statuses of errors."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import grpc
from grpc_status import rpc_status

from ..contract.statuses import DOMAIN, to_status
from ..operations.errors import RequestError

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def code_of(error: RequestError) -> grpc.StatusCode:
    """Returns the gRPC status code of an error."""
    return _CODES[to_status(error).code]


async def abort(
    context: grpc.aio.ServicerContext[Any, Any], error: RequestError, domain: str = DOMAIN
) -> NoReturn:
    """Ends the RPC with the status of an error.

    Args:
        context: The RPC.
        error: The error.
        domain: The domain of the RPC's errors.

    Raises:
        grpc.aio.AbortError: The RPC has ended.
        asyncio.CancelledError: The client has gone.
    """
    status = rpc_status.to_status(to_status(error, domain))
    try:
        await context.abort(status.code, status.details, status.trailing_metadata)
    except grpc.aio.InternalError:
        # The client has gone; gRPC would log that as an error.
        raise asyncio.CancelledError from None
