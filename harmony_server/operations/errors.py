"""Why a request cannot be served, in the terms of no transport."""

from __future__ import annotations

from enum import StrEnum

from ..core import ParseError


class Reason(StrEnum):
    """The stable, machine-readable reasons of errors; docs/errors.md describes each."""

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


# The reasons that end one sequence of a batch and leave the others alone.
SEQUENCE_REASONS = (
    Reason.INVALID_FIELD,
    Reason.LIMIT_EXCEEDED,
    Reason.PARSE_FAILED,
    Reason.SEQUENCE_OPEN,
    Reason.SEQUENCE_UNKNOWN,
)


class RequestError(Exception):
    """A request that cannot be served.

    Attributes:
        reason: Why, for a program.
        message: Why, in one sentence for a person.
        field: The path of the field at fault, or None.
        metadata: Further facts for a program.
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
    """Returns the error for a field whose value cannot be accepted."""
    return RequestError(Reason.INVALID_FIELD, message, field=field)


def limit_exceeded(setting: str, maximum: float, field: str | None = None) -> RequestError:
    """Returns the error for a limit that is reached; `setting` is its name."""
    return RequestError(
        Reason.LIMIT_EXCEEDED,
        f"exceeds {setting}, {maximum}" if field else f"{setting} is exceeded: {maximum}",
        field=field,
        metadata={"limit": setting, "maximum": f"{maximum}"},
    )


def parse_failed(error: ParseError) -> RequestError:
    """Returns the error for malformed output: where it is, and what was being read."""
    at_end = error.token is None
    place = "at the end of the stream" if at_end else f"at token {error.token}"
    return RequestError(
        Reason.PARSE_FAILED,
        f"malformed output {place}, offset {error.offset}, state {error.state}: {error}",
        metadata={
            "token": "" if at_end else str(error.token),
            "offset": str(error.offset),
            "state": error.state,
        },
    )
