"""Why a request body cannot be rendered."""

import json
from enum import StrEnum
from typing import Final

_SERVER_ERROR: Final = 500
_HISTORY: Final = "history_json"


class BodyErrorReason(StrEnum):
    """Machine-readable reasons, stable across versions."""

    HISTORY_REQUIRED = "HISTORY_REQUIRED"
    INVALID_FIELD = "INVALID_FIELD"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    MALFORMED_BODY = "MALFORMED_BODY"
    UNKNOWN_CALL_ID = "UNKNOWN_CALL_ID"
    UNKNOWN_REFERENCE = "UNKNOWN_REFERENCE"
    UNKNOWN_TOOL = "UNKNOWN_TOOL"
    UNSUPPORTED_CONTENT = "UNSUPPORTED_CONTENT"
    UNSUPPORTED_ITEM = "UNSUPPORTED_ITEM"
    UNSUPPORTED_TOOL = "UNSUPPORTED_TOOL"


class RequestBodyError(ValueError):
    """A body of a request that cannot be rendered. No text of it is in the error.

    Attributes:
        reason: The reason, for programs.
        message: The rest of a sentence that begins with the field: `must be a string`; or a whole
            sentence where the field is empty.
        field: The place at fault, as in `messages[2].content[0].type`. Its last step may be a
            member that is missing. Empty for the body itself. A place in the caller's history
            begins with `history_json`.
        code: The code of OpenAI's error object, or None.
        http_status: The status to answer the client with. It is 500 where the history is at fault,
            which the client did not write.
        limit: The name of the limit that is exceeded, or None.
        maximum: The value of that limit, or None.
    """

    def __init__(
        self,
        message: str,
        field: str = "",
        *,
        reason: BodyErrorReason = BodyErrorReason.INVALID_FIELD,
        code: str | None = None,
        http_status: int = 400,
        limit: str | None = None,
        maximum: int | None = None,
    ) -> None:
        super().__init__(f"{field} {message}" if field else message)
        self.reason = reason
        self.message = message
        self.field = field
        self.code = code
        self.http_status = _SERVER_ERROR if field.startswith(_HISTORY) else http_status
        self.limit = limit
        self.maximum = maximum

    def openai_error_json(self) -> str:
        """Returns the body to answer the client with: OpenAI's error object, as JSON."""
        at_fault = self.http_status != _SERVER_ERROR
        error = {
            "message": str(self),
            "type": "invalid_request_error" if at_fault else "server_error",
            "param": self.field or None if at_fault else None,
            "code": self.code,
        }
        return json.dumps({"error": error}, ensure_ascii=False, separators=(",", ":"))
