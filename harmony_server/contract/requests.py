"""Reads requests from bytes."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from ..operations.errors import Reason, RequestError

_Request = TypeVar("_Request", bound=Message)


def read_request(request_type: type[_Request], data: bytes) -> _Request:
    """Returns the message that the bytes encode.

    Raises:
        RequestError: MALFORMED_REQUEST, the bytes are not a valid message of the type.
    """
    try:
        return request_type.FromString(data)
    except DecodeError:
        raise RequestError(
            Reason.MALFORMED_REQUEST,
            f"the request is not a valid {request_type.DESCRIPTOR.full_name}",
        ) from None
