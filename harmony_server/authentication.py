"""Bearer tokens: who may call what."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from .contract.methods import METHODS
from .request_error import RequestError
from .telemetry.rpcs import Observer, observed
from .watched_files import WatchedFiles

# What probes and balancers ask without a token.
_OPEN_METHODS = "/grpc.health.v1.Health/"

_UNAUTHENTICATED = RequestError(
    grpc.StatusCode.UNAUTHENTICATED,
    "BEARER_TOKEN_REQUIRED",
    "the metadata key authorization must be: Bearer, a space, a token of this server",
)

_logger = logging.getLogger(__name__)


class BearerTokens:
    """The tokens of a file, one a line; the file is read again when it changes.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no token.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = WatchedFiles([path])
        self._digests = self._read()

    def admit(self, authorization: str | bytes) -> bool:
        """Tells whether the value of the metadata key `authorization` holds a token of the file.

        It takes the same time whatever the tokens are.
        """
        if self._file.changed():
            self.reload()
        text = authorization if isinstance(authorization, bytes) else authorization.encode()
        scheme, _, token = text.partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        # All are compared, so that the time does not tell which one it was.
        found = [hmac.compare_digest(digest, known) for known in self._digests]
        return scheme.lower() == b"bearer" and any(found)

    def reload(self) -> None:
        """Reads the file now; one that cannot be used changes nothing."""
        try:
            self._digests = self._read()
        except (OSError, ValueError) as error:
            _logger.error("the tokens stay as they were: %s", error)
        else:
            _logger.info("%d tokens were read again", len(self._digests))

    def _read(self) -> list[bytes]:
        tokens = filter(None, map(bytes.strip, Path(self._path).read_bytes().splitlines()))
        digests = [hashlib.sha256(token).digest() for token in tokens]
        if not digests:
            raise ValueError(f"{self._path}: holds no token")
        return digests


class Authentication(grpc.aio.ServerInterceptor):
    """Refuses every RPC but those of the health service that brings no token."""

    def __init__(self, tokens: BearerTokens, observers: Sequence[Observer]) -> None:
        self._tokens = tokens
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
            if key == "authorization" and self._tokens.admit(value):
                return await continuation(handler_call_details)
        return self._refusals.get(path) or _REFUSAL


async def _refuse(_requests: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await _UNAUTHENTICATED.abort(context)


# A handler of this kind refuses before it reads, whatever the kind of the method.
_REFUSAL: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(_refuse)
