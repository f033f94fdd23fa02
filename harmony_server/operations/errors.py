"""Why a request fails, independent of any transport."""

from __future__ import annotations

from enum import StrEnum

from ..core import ParseError, PrefillError


class Reason(StrEnum):
    """Machine-readable reasons, stable across versions; docs/errors.md describes each."""

    BEARER_TOKEN_REQUIRED = "BEARER_TOKEN_REQUIRED"
    DISALLOWED_SPECIAL_TOKEN = "DISALLOWED_SPECIAL_TOKEN"
    INTERNAL = "INTERNAL"
    INVALID_FIELD = "INVALID_FIELD"
    INVALID_TOKEN = "INVALID_TOKEN"
    INVALID_UTF8 = "INVALID_UTF8"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    MALFORMED_REQUEST = "MALFORMED_REQUEST"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    PARSE_FAILED = "PARSE_FAILED"
    SEQUENCE_OPEN = "SEQUENCE_OPEN"
    SEQUENCE_UNKNOWN = "SEQUENCE_UNKNOWN"
    SERVER_STOPPING = "SERVER_STOPPING"
    SERVICE_UNKNOWN = "SERVICE_UNKNOWN"


# The reasons for which one sequence of a batch can fail while the others go on.
SEQUENCE_REASONS = (
    Reason.INVALID_FIELD,
    Reason.LIMIT_EXCEEDED,
    Reason.PARSE_FAILED,
    Reason.SEQUENCE_OPEN,
    Reason.SEQUENCE_UNKNOWN,
)


class RequestError(Exception):
    """A request fails.

    Attributes:
        reason: The reason, for programs.
        message: The reason in a sentence, for people; it does not begin with the field.
        field: The path of the field at fault, as in `conversation.messages[2].content[0]`, or None.
        metadata: Further facts, for programs.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        field: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.metadata = metadata or {}


def invalid_field(field: str, message: str) -> RequestError:
    """Returns the error for an invalid field.

    Args:
        field: The path of the field.
        message: The rest of a sentence that begins with the path: `must be a role`.
    """
    return RequestError(Reason.INVALID_FIELD, message, field=field)


def limit_exceeded(setting: str, maximum: float, field: str | None = None) -> RequestError:
    """Returns the error for an exceeded limit.

    Args:
        setting: The name of the setting that gives the limit.
        maximum: The limit.
        field: The path of the field that exceeds it, or None.
    """
    return RequestError(
        Reason.LIMIT_EXCEEDED,
        f"exceeds {setting}, {maximum}" if field else f"{setting} is exceeded: {maximum}",
        field=field,
        metadata={"limit": setting, "maximum": f"{maximum}"},
    )


def prefill_failed(error: PrefillError, field: str) -> RequestError:
    """Returns the error for a malformed prefill, which names the token at fault.

    Args:
        error: The error.
        field: The path of the prefill.
    """
    return invalid_field(f"{field}[{error.offset}]", f"does not fit, state {error.state}: {error}")


def parse_failed(error: ParseError) -> RequestError:
    """Returns the error for malformed output, with its position and the parser's state."""
    at_end = error.token is None
    metadata = {
        "token": "" if at_end else str(error.token),
        "offset": str(error.offset),
        "state": error.state,
    }
    if error.cut_off:
        metadata["cut_off"] = "true"
        place = f"output cut off at offset {error.offset}"
    else:
        place = "at the end of the stream" if at_end else f"at token {error.token}"
        place = f"malformed output {place}, offset {error.offset}"
    message = f"{place}, state {error.state}: {error}"
    return RequestError(Reason.PARSE_FAILED, message, metadata=metadata)
