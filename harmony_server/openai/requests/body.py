"""Reads the JSON of a body; the order of members and the spelling of numbers survive."""

import json
import re
from typing import Final, NoReturn

from ...core.bounds import MAX_JSON_DEPTH
from ...core.json_text import JsonError, Number, check_depth
from ..notices import NoticeReason
from ..request_errors import BodyErrorReason, RequestBodyError
from .fields import Field, Json
from .notice_log import NoticeLog

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# Every escape, so that none is taken for one that begins in the middle of another: those of a pair
# of surrogates, of a lone one, and any other.
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F])|\\.", re.DOTALL
)
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
# An integer of so many characters has one spelling, and fits into 64 bits.
_MAX_PLAIN_INTEGER_CHARACTERS: Final = 18


class RepeatedMembers(dict[str, Json]):
    """An object in whose text a name stands twice; the last one counts."""


def read_body(data: bytes, notices: NoticeLog) -> Field:
    """Returns the body of a request: an object.

    Raises:
        RequestBodyError: Not UTF-8, not JSON, nested too deeply, or not an object.
    """
    body = _read(data, "", notices)
    if not isinstance(body.value, dict):
        raise _malformed("", "is not a JSON object")
    return body


def read_history(data: bytes, notices: NoticeLog) -> list[Field]:
    """Returns the items that the caller remembers.

    Raises:
        RequestBodyError: Not UTF-8, not JSON, nested too deeply, or not an array.
    """
    return _read(data, "history_json", notices).elements()


def _read(data: bytes, place: str, notices: NoticeLog) -> Field:
    value = _load(data, place)
    try:
        check_depth(value)
    except JsonError:
        raise _too_deep(place) from None
    field = Field(value, step=place)
    if _has_lone_surrogates(data):
        field.value = _without_surrogates(field, notices)
    return field


def _has_lone_surrogates(data: bytes) -> bool:
    # Most bodies have no surrogates at all, which is quicker to see.
    if not _SURROGATE_ESCAPE.search(data):
        return False
    return any(match[1] for match in _ESCAPE.finditer(data))


def _load(data: bytes, place: str) -> Json:
    if data.startswith(_BYTE_ORDER_MARK):
        raise _malformed(place, "begins with a byte order mark, which JSON must not have")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _malformed(place, f"is not UTF-8 at byte {error.start}") from None
    try:
        return json.loads(
            text,
            parse_int=_read_integer,
            parse_float=Number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_read_object,
        )
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise _malformed(place, f"is not JSON at {position}") from None
    except _ConstantError as error:
        raise _malformed(place, f"has {error}, which JSON does not have") from None
    except RecursionError:
        raise _too_deep(place) from None


def _malformed(place: str, message: str) -> RequestBodyError:
    reason = BodyErrorReason.MALFORMED_BODY
    return RequestBodyError(message if place else f"the body {message}", place, reason=reason)


def _too_deep(place: str) -> RequestBodyError:
    return _malformed(place, f"is nested deeper than {MAX_JSON_DEPTH} levels")


class _ConstantError(ValueError):
    pass


def _refuse_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


def _read_integer(text: str) -> int | Number:
    if len(text) > _MAX_PLAIN_INTEGER_CHARACTERS or text == "-0":
        return Number(text)
    return int(text)


def _read_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedMembers(pairs)


def _without_surrogates(field: Field, notices: NoticeLog) -> Json:
    """Returns the value with U+FFFD for every lone surrogate; joined ones are no surrogates."""
    value = field.value
    if isinstance(value, str):
        return _mend(value, field, notices)
    if isinstance(value, list):
        return [_without_surrogates(element, notices) for element in field.elements()]
    if isinstance(value, dict):
        pairs = [
            (_mend(name, field, notices), _without_surrogates(field.member(name), notices))
            for name in value
        ]
        is_repeated = isinstance(value, RepeatedMembers)
        return RepeatedMembers(pairs) if is_repeated else _read_object(pairs)
    return value


def _mend(text: str, field: Field, notices: NoticeLog) -> str:
    mended = _SURROGATES.sub("\ufffd", text)
    if mended != text:
        notices.add(NoticeReason.TEXT_CHANGED, field, "has a lone surrogate, now U+FFFD")
    return mended
