"""Errors that the client raises when a call fails.

    HarmonyClientError
    └── RpcError                 any other status
        ├── Cancelled
        ├── DeadlineExceeded
        ├── FailedPrecondition
        ├── Internal
        ├── InvalidArgument
        │   └── ParseFailed
        ├── PermissionDenied
        ├── ResourceExhausted
        ├── Unauthenticated
        ├── Unavailable
        └── Unimplemented

Invalid arguments, such as a negative token or an unknown role, raise TypeError
or ValueError before anything is sent.
"""

# The classes are named after the statuses.
# ruff: noqa: N818

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import grpc
from google.protobuf.message import DecodeError

from harmony_client._google import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf import any_pb2

# The metadata key of a serialized google.rpc.Status.
DETAILS_KEY = "grpc-status-details-bin"


class FieldViolation(NamedTuple):
    """A field of a request that the server refused."""

    field: str
    """The path of the field, such as `conversation.messages[2].content[0]`."""
    description: str
    """What is wrong with the field."""


class HarmonyClientError(Exception):
    """The base class of this package's errors."""


class RpcError(HarmonyClientError):
    """A call that ended with a status other than OK.

    `__cause__` is the error as grpcio raised it.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        field_violations: tuple[FieldViolation, ...] = (),
    ) -> None:
        super().__init__(code, message, reason, metadata, field_violations)
        self.code = code
        """The status."""
        self.message = message
        """A description for people; the text may change."""
        self.reason = reason
        """A stable name for programs. None if the error does not come from a harmony server."""
        self.metadata: Mapping[str, str] = {} if metadata is None else metadata
        """Details of the reason, by name."""
        self.field_violations = field_violations
        """The fields of the request that were refused."""

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class Cancelled(RpcError):
    """The call was cancelled, for instance because the client was closed."""


class DeadlineExceeded(RpcError):
    """No response came within the timeout, possibly because no server is running."""


class FailedPrecondition(RpcError):
    """The server cannot answer this call in its present state."""


class Internal(RpcError):
    """The server failed."""


class InvalidArgument(RpcError):
    """The request, or the text or tokens in it, is invalid. Sending it again fails again."""


class ParseFailed(InvalidArgument):
    """The tokens are malformed output. Everything before the error was parsed."""

    @property
    def token(self) -> int | None:
        """The token that was refused; None: the end of the tokens."""
        token = self.metadata["token"]
        return int(token) if token else None

    @property
    def offset(self) -> int:
        """The number of tokens before it in the sequence."""
        return int(self.metadata["offset"])

    @property
    def state(self) -> str:
        """The state of the parser: `ExpectStart`, `Header` or `Content`."""
        return self.metadata["state"]

    @property
    def cut_off(self) -> bool:
        """Whether the tokens end inside a header that no stop token ended: a limit cut it off."""
        return self.metadata.get("cut_off") == "true"


class PermissionDenied(RpcError):
    """The caller is authenticated but not allowed to do this."""


class ResourceExhausted(RpcError):
    """The request or response exceeds a size limit, or the server is at its load limit."""


class Unauthenticated(RpcError):
    """The caller is not authenticated: it sent no token, or a wrong one."""


class Unavailable(RpcError):
    """The connection broke; or it failed, and the client does not wait for the server."""


class Unimplemented(RpcError):
    """The server does not have this method, perhaps because it is older than the client."""


_BY_STATUS: dict[grpc.StatusCode, type[RpcError]] = {
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.INTERNAL: Internal,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


# The server's limits on the size of a request.
_REQUEST_SIZE_LIMITS = {"max_request_bytes", "max_request_tokens"}
# The reason that `ParseFailed` stands for.
_PARSE_FAILED = "PARSE_FAILED"


def from_grpc(error: grpc.Call | grpc.aio.AioRpcError) -> RpcError:
    """Returns the error for a failed call, with the rich details of its status."""
    details: Iterable[any_pb2.Any] = ()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            # A proxy may have truncated the details; code and message are still good.
            with suppress(DecodeError):
                details = status_pb2.Status.FromString(value).details
    code, message = error.code(), error.details() or ""
    # A proxy reports so that its server died in mid-stream; a harmony server never does.
    if code is grpc.StatusCode.INTERNAL and not details and "RST_STREAM" in message:
        code = grpc.StatusCode.UNAVAILABLE
    return _make_error(code, message, details)


def from_status(status: status_pb2.Status) -> RpcError:
    """Returns the error for a status that is part of a response."""
    return _make_error(
        _CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status.details
    )


def is_request_too_large(error: BaseException) -> bool:
    """Returns whether a server refused a request for its size, and not for its load."""
    if not isinstance(error, ResourceExhausted):
        return False
    # gRPC itself refuses requests far above the limit, without a reason.
    return error.reason is None or error.metadata.get("limit") in _REQUEST_SIZE_LIMITS


def ended_without_response() -> Internal:
    """Returns the error for a stream that the server ended with OK while a response was due."""
    return Internal(grpc.StatusCode.INTERNAL, "the server ended the stream without a response")


def stream_ended() -> RuntimeError:
    """Returns the error for using a stream after its end."""
    return RuntimeError("the stream has ended")


def _make_error(code: grpc.StatusCode, message: str, details: Iterable[any_pb2.Any]) -> RpcError:
    info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    with suppress(DecodeError):
        for detail in details:
            if not detail.Unpack(info):
                detail.Unpack(bad_request)
    error_class = _BY_STATUS.get(code, RpcError)
    if error_class is InvalidArgument and info.reason == _PARSE_FAILED:
        error_class = ParseFailed
    return error_class(
        code,
        message,
        info.reason or None,
        dict(info.metadata),
        tuple(
            FieldViolation(violation.field, violation.description)
            for violation in bad_request.field_violations
        ),
    )
