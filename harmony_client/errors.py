"""What the client raises when a call fails.

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

An argument that cannot be put into a request at all, such as a negative token
or an unknown role, is a plain TypeError or ValueError before anything is sent.
"""

# The classes bear the names of the statuses.
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

# Where gRPC carries a serialized google.rpc.Status.
DETAILS_KEY = "grpc-status-details-bin"


class FieldViolation(NamedTuple):
    """What is wrong with one field of a request."""

    field: str
    """The path of the field, as in `conversation.messages[2].content[0]`."""
    description: str
    """What is wrong with it."""


class HarmonyClientError(Exception):
    """The base of everything that this package raises of its own."""


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
        """What happened, for people."""
        self.reason = reason
        """What happened, for programs: a stable name. None where no server of ours answered."""
        self.metadata: Mapping[str, str] = {} if metadata is None else metadata
        """Particulars of the reason, by name."""
        self.field_violations = field_violations
        """The fields of the request that are at fault."""

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


class Cancelled(RpcError):
    """The call was cancelled, for instance because the client was closed meanwhile."""


class DeadlineExceeded(RpcError):
    """No answer came within the timeout, possibly because no server is there."""


class FailedPrecondition(RpcError):
    """The server is in no state to answer this call."""


class Internal(RpcError):
    """The server failed."""


class InvalidArgument(RpcError):
    """The request, or the text or tokens in it, is malformed; sending it again cannot help."""


class ParseFailed(InvalidArgument):
    """The tokens are malformed output; everything before them was parsed."""

    @property
    def token(self) -> int | None:
        """The token that could not be accepted; None: the end of the tokens."""
        token = self.metadata["token"]
        return int(token) if token else None

    @property
    def offset(self) -> int:
        """How many tokens of the sequence came before it."""
        return int(self.metadata["offset"])

    @property
    def state(self) -> str:
        """What was being read: `ExpectStart`, `Header` or `Content`."""
        return self.metadata["state"]


class PermissionDenied(RpcError):
    """The caller is known and may not do this."""


class ResourceExhausted(RpcError):
    """The request or the answer is over a size limit, or the server is over its load limit."""


class Unauthenticated(RpcError):
    """The caller is not known."""


class Unavailable(RpcError):
    """The connection broke, or could not be made and the client does not wait for it."""


class Unimplemented(RpcError):
    """The server does not have this method; it may be older than the client."""


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


# The reason of malformed output, which has a class of its own.
_PARSE_FAILED = "PARSE_FAILED"


def from_grpc(error: grpc.Call | grpc.aio.AioRpcError) -> RpcError:
    """Turns what grpcio raised into the class of its status, with the rich details."""
    details: Iterable[any_pb2.Any] = ()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            # Where something between cut them short, code and message still stand.
            with suppress(DecodeError):
                details = status_pb2.Status.FromString(value).details
    code, message = error.code(), error.details() or ""
    # What a proxy makes of a server that died in mid-stream; no server of ours says so itself.
    if code is grpc.StatusCode.INTERNAL and not details and "RST_STREAM" in message:
        code = grpc.StatusCode.UNAVAILABLE
    return _make(code, message, details)


def from_status(status: status_pb2.Status) -> RpcError:
    """Turns a status that came as part of an answer into what its call would have raised."""
    return _make(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status.details)


def ended_without_answer() -> Internal:
    """Returns the error for a stream that the server ended with OK while a response was due."""
    return Internal(grpc.StatusCode.INTERNAL, "the server ended the stream without an answer")


def stream_ended() -> RuntimeError:
    """Returns the error for using a stream after its end."""
    return RuntimeError("the stream has ended")


def _make(code: grpc.StatusCode, message: str, details: Iterable[any_pb2.Any]) -> RpcError:
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
