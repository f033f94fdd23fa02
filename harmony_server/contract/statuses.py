"""Converts errors to `google.rpc.Status`, which gRPC statuses and ParseBatch events share."""

from __future__ import annotations

from typing import Final

from google.rpc import code_pb2, error_details_pb2, status_pb2

from .. import bounds
from ..operations.errors import Reason, RequestError

# `domain` of the google.rpc.ErrorInfo of errors outside any RPC of the OpenAI layer.
DOMAIN: Final = "harmony.v1"

_INVALID_ARGUMENT: Final = code_pb2.INVALID_ARGUMENT
_CODES: Final = {
    Reason.BEARER_TOKEN_REQUIRED: code_pb2.UNAUTHENTICATED,
    Reason.DISALLOWED_SPECIAL_TOKEN: _INVALID_ARGUMENT,
    Reason.HISTORY_REQUIRED: _INVALID_ARGUMENT,
    Reason.INTERNAL: code_pb2.INTERNAL,
    Reason.INVALID_CONTEXT: _INVALID_ARGUMENT,
    Reason.INVALID_FIELD: _INVALID_ARGUMENT,
    Reason.INVALID_TOKEN: _INVALID_ARGUMENT,
    Reason.INVALID_UTF8: _INVALID_ARGUMENT,
    Reason.LIMIT_EXCEEDED: code_pb2.RESOURCE_EXHAUSTED,
    Reason.MALFORMED_BODY: _INVALID_ARGUMENT,
    Reason.MALFORMED_REQUEST: _INVALID_ARGUMENT,
    Reason.OUT_OF_ORDER: _INVALID_ARGUMENT,
    Reason.PARSE_FAILED: _INVALID_ARGUMENT,
    Reason.SEQUENCE_OPEN: _INVALID_ARGUMENT,
    Reason.SEQUENCE_UNKNOWN: _INVALID_ARGUMENT,
    Reason.SERVER_STOPPING: code_pb2.UNAVAILABLE,
    Reason.SERVICE_UNKNOWN: code_pb2.NOT_FOUND,
    Reason.UNKNOWN_CALL_ID: _INVALID_ARGUMENT,
    Reason.UNKNOWN_REFERENCE: _INVALID_ARGUMENT,
    Reason.UNKNOWN_SEQUENCE: _INVALID_ARGUMENT,
    Reason.UNKNOWN_TOOL: _INVALID_ARGUMENT,
    Reason.UNSUPPORTED_CONTENT: _INVALID_ARGUMENT,
    Reason.UNSUPPORTED_ITEM: _INVALID_ARGUMENT,
    Reason.UNSUPPORTED_TOOL: _INVALID_ARGUMENT,
}
assert _CODES.keys() == set(Reason), "every reason has a status code"


def to_status(error: RequestError, domain: str = DOMAIN) -> status_pb2.Status:
    """Returns the status of an error of an RPC whose errors have the `domain`.

    Its details are an ErrorInfo and, if the error names a field, a BadRequest. Messages are cut to
    MAX_ERROR_MESSAGE_BYTES.
    """
    message = f"{error.field}: {error.message}" if error.field else error.message
    status = status_pb2.Status(code=_CODES[error.reason], message=_shorten(message))
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=error.metadata)
    status.details.add().Pack(info)
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=_shorten(error.message), reason=error.reason
        )
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return status


def _shorten(text: str) -> str:
    data = text.encode()
    if len(data) <= bounds.MAX_ERROR_MESSAGE_BYTES:
        return text
    return data[: bounds.MAX_ERROR_MESSAGE_BYTES].decode(errors="ignore") + "…"
