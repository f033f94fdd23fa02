"""The parts of a failed call's status."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import grpc

from harmony_client._google import error_details_pb2, status_pb2

# Internals that must not reach a client: tracebacks, paths, exceptions.
_LEAKS = re.compile(
    r"Traceback|File \"|\.py\b|site-packages|/home/|/usr/|/tmp/|\w(Error|Exception)\b|"
    r"google\.protobuf|json\.|Expecting|0x[0-9a-f]{6}"
)
_NUMBERS = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class Failure:
    """A google.rpc.Status with the details that the contract specifies.

    Attributes:
        code: The status code.
        message: The human-readable text.
        reason: The reason of the ErrorInfo.
        domain: The domain of the ErrorInfo.
        metadata: The metadata of the ErrorInfo.
        fields: The field paths of the BadRequest.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()


def failure_of_status(status: status_pb2.Status) -> Failure:
    """Returns the parts of a google.rpc.Status, which must not reveal internals."""
    assert not _LEAKS.search(str(status)), status
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    for detail in status.details:
        assert detail.Unpack(info) or detail.Unpack(bad_request), detail
    return Failure(
        code=_NUMBERS[status.code],
        message=status.message,
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields=tuple(violation.field for violation in bad_request.field_violations),
    )


def failure_of_error(error: grpc.RpcError) -> Failure:
    """Returns the parts of a failed call's status."""
    # The raised error is also the call, which gRPC's type stubs do not say.
    call = cast(grpc.Call, error)
    code, message = call.code(), call.details() or ""
    assert not _LEAKS.search(message), message
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            failure = failure_of_status(status_pb2.Status.FromString(_bytes(value)))
            assert (failure.code, failure.message) == (code, message)
            return failure
    return Failure(code, message)


def failure_of(call: Callable[[], object]) -> Failure:
    """Makes a call that must fail, and returns its failure."""
    try:
        response = call()
    except grpc.RpcError as error:
        return failure_of_error(error)
    raise AssertionError(f"the call succeeded: {response}")


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
