"""Authentication: refuses RPCs that carry no bearer token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc

from ..contract.methods import METHODS
from ..operations.errors import Reason, RequestError
from ..telemetry.rpcs import Observer, observed
from .statuses import abort

# Probes and load balancers ask without a token.
_OPEN_METHODS = "/grpc.health.v1.Health/"

_UNAUTHENTICATED = RequestError(
    Reason.BEARER_TOKEN_REQUIRED,
    "the metadata key authorization must be: Bearer, a space, a token of this server",
)


class Authentication(grpc.aio.ServerInterceptor):
    """Refuses every RPC without a token, except those of the health service.

    Args:
        admit: Says whether the value of the metadata key `authorization` is accepted.
        observers: Told of the RPCs that are refused.
    """

    def __init__(self, admit: Callable[[str | bytes], bool], observers: Sequence[Observer]) -> None:
        self._admit = admit
        self._refusals: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            method.path: observed(method, _REFUSAL, observers) for method in METHODS.values()
        }

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Returns the handler of the RPC, or one that refuses it."""
        path: str = handler_call_details.method
        if path.startswith(_OPEN_METHODS):
            return await continuation(handler_call_details)
        for key, value in handler_call_details.invocation_metadata or ():
            if key == "authorization" and self._admit(value):
                return await continuation(handler_call_details)
        return self._refusals.get(path) or _REFUSAL


async def _refuse(_requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await abort(context, _UNAUTHENTICATED)


# A stream handler refuses before it reads, for methods of either kind.
_REFUSAL: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_refuse)
