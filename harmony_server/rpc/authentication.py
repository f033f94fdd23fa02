"""Refuses RPCs without a valid bearer token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc

from ..contract.methods import Method
from ..contract.statuses import DOMAIN
from ..operations.errors import Reason, RequestError
from ..telemetry.rpcs import Observer, observed
from .statuses import abort

# Probes and load balancers have no token.
_HEALTH_PREFIX = "/grpc.health.v1.Health/"

_UNAUTHENTICATED = RequestError(
    Reason.BEARER_TOKEN_REQUIRED,
    "the metadata key authorization must be: Bearer, a space, a token of this server",
)


class Authentication(grpc.aio.ServerInterceptor):
    """Refuses every RPC without a valid token with UNAUTHENTICATED, except for the health service.

    Args:
        admit: Returns whether it accepts a value of the metadata key `authorization`.
        methods: The RPCs of the server's services.
        observers: See these RPCs, if they are refused.
    """

    def __init__(
        self,
        admit: Callable[[str | bytes], bool],
        methods: Iterable[Method],
        observers: Sequence[Observer],
    ) -> None:
        self._admit = admit
        self._refusals: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            method.path: observed(method, _refusal(method.domain), observers) for method in methods
        }

    async def intercept_service(
        self,
        continuation: Callable[
            [grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]
        ],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Returns the handler of an RPC, or one that refuses the RPC."""
        path: str = handler_call_details.method
        if path.startswith(_HEALTH_PREFIX):
            return await continuation(handler_call_details)
        for key, value in handler_call_details.invocation_metadata or ():
            if key == "authorization" and self._admit(value):
                return await continuation(handler_call_details)
        return self._refusals.get(path) or _REFUSAL


def _refusal(domain: str) -> grpc.RpcMethodHandler[Any, Any]:
    async def refuse(_requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await abort(context, _UNAUTHENTICATED, domain)

    # A stream handler also fits unary methods, and can refuse before it reads a request.
    return grpc.stream_stream_rpc_method_handler(refuse)


# For methods that the server does not have.
_REFUSAL: grpc.RpcMethodHandler[Any, Any] = _refusal(DOMAIN)
