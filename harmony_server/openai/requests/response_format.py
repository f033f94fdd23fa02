"""The format that the answer is to have."""

from typing import Final

from ...core import ResponseFormat
from ..notices import NoticeReason
from .bounds import MAX_NAME_CHARACTERS
from .fields import Field
from .notice_log import NoticeLog
from .schemas import read_schema_text

_ANY_OBJECT: Final = ResponseFormat(name="json", json_schema='{"type":"object"}')


def read_response_format(field: Field, notices: NoticeLog, *, nests: bool) -> ResponseFormat | None:
    """Returns the format of `response_format` or `text.format`; None is plain text.

    Args:
        field: The format.
        notices: For what only the engine can guarantee.
        nests: Whether name and schema stand in a member `json_schema`, as in chat completions.

    Raises:
        RequestBodyError: A type that is not known, or a schema that cannot be rendered.
    """
    if field.is_missing:
        return None
    kind = field.member("type")
    match kind.text():
        case "text":
            return None
        case "json_object":
            response_format = _ANY_OBJECT
        case "json_schema":
            response_format = _read_schema(field.member("json_schema") if nests else field)
        case _:
            raise kind.invalid("must be text, json_object or json_schema")
    notices.add(NoticeReason.NOT_ENFORCED, field, "is a hint; only the engine can guarantee it")
    return response_format


def _read_schema(field: Field) -> ResponseFormat:
    name = field.member("name")
    if not name.text() or len(name.text().splitlines()) > 1:
        raise name.invalid("must be one line of text")
    if len(name.text()) > MAX_NAME_CHARACTERS:
        raise name.too_large("MAX_NAME_CHARACTERS", MAX_NAME_CHARACTERS, "string_above_max_length")
    return ResponseFormat(
        name=name.text(),
        json_schema=read_schema_text(field.member("schema")),
        description=field.member("description").optional_text(),
    )
