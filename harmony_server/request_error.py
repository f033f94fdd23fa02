"""A request that cannot be served, and its form on the wire."""

import asyncio
from typing import NoReturn, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from .core import ParseError

# The domain of every google.rpc.ErrorInfo.
DOMAIN = "harmony.v1"

# gRPC clients take 8 KiB of trailers, and lose an error that has more. A byte of its message stands
# there as up to three, and twice more in the details.
_MOST_MESSAGE_BYTES = 1000

_Request = TypeVar("_Request", bound=Message)


class RequestError(Exception):
    """Why a request cannot be served, in words made for the caller.

    Attributes:
        code: The gRPC status code.
        reason: A stable, machine-readable reason, UPPER_SNAKE_CASE; docs/errors.md lists them.
        message: One sentence for a person.
        field: The path of the field at fault, or None.
        metadata: Further facts for a program.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        field: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.field = field
        self.metadata = metadata or {}

    def to_status(self) -> status_pb2.Status:
        """Returns google.rpc.Status with an ErrorInfo and, for a field, a BadRequest."""
        number, _ = self.code.value
        message = f"{self.field}: {self.message}" if self.field else self.message
        status = status_pb2.Status(code=number, message=_shortened(message))
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain=DOMAIN, metadata=self.metadata
        )
        status.details.add().Pack(info)
        if self.field:
            violation = error_details_pb2.BadRequest.FieldViolation(
                field=self.field, description=_shortened(self.message), reason=self.reason
            )
            status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        return status

    async def abort(self, context: "grpc.aio.ServicerContext[bytes, bytes]") -> NoReturn:
        """Ends the RPC with this error.

        Raises:
            grpc.aio.AbortError: It did.
            asyncio.CancelledError: The client is gone.
        """
        status = rpc_status.to_status(self.to_status())
        try:
            await context.abort(self.code, status.details, status.trailing_metadata)
        except grpc.aio.InternalError:
            # gRPC cannot write any more; by itself it would log that as an error.
            raise asyncio.CancelledError from None


def _shortened(text: str) -> str:
    data = text.encode()
    if len(data) <= _MOST_MESSAGE_BYTES:
        return text
    return data[:_MOST_MESSAGE_BYTES].decode(errors="ignore") + "…"


def invalid_field(field: str, message: str) -> RequestError:
    """Returns the error for a field whose value cannot be accepted."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", message, field=field)


def read_request(request_type: type[_Request], data: bytes) -> _Request:
    """Returns the request that `data` holds.

    Raises:
        RequestError: It is not a message of this type.
    """
    try:
        return request_type.FromString(data)
    except DecodeError:
        raise RequestError(
            grpc.StatusCode.INVALID_ARGUMENT,
            "MALFORMED_REQUEST",
            f"the request is not a valid {request_type.DESCRIPTOR.full_name}",
        ) from None


def parse_failed(error: ParseError) -> RequestError:
    """Returns the error for malformed output: where it is, and what was being read."""
    at_end = error.token is None
    place = "at the end of the stream" if at_end else f"at token {error.token}"
    return RequestError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "PARSE_FAILED",
        f"malformed output {place}, offset {error.offset}, state {error.state}: {error}",
        metadata={
            "token": "" if at_end else str(error.token),
            "offset": str(error.offset),
            "state": error.state,
        },
    )
