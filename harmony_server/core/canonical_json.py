"""Conversations from canonical JSON, with every part checked.

`Conversation.from_json` reads the same JSON as the reference does, which checks less and does not
say where an error is.
"""

import functools
import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from . import chat
from .chat import CONTENT_CLASSES, Content, Conversation, Place

_PartT = TypeVar("_PartT")
_MAX_SHOWN_CHARACTERS = 40
_NOT_AN_OBJECT = "Input should be an object"
_LISTS = {"messages": "a list of messages", "content": "a string or a list of contents"}


class CanonicalJsonError(ValueError):
    """A text that is not the canonical JSON of a conversation. The message is fit to show to users.

    Attributes:
        problem: What is wrong.
        path: The part at fault, such as `messages[2].content[0]`; empty if it is the whole text.
        position: Where the text stops being JSON, in characters; None if it is JSON.
    """

    def __init__(self, problem: str, place: Place = (), *, position: int | None = None) -> None:
        path = _to_path(place)
        super().__init__(f"{path}: {problem}" if path else problem)
        self.problem = problem
        self.path = path
        self.position = position


def read_conversation(text: str) -> Conversation:
    """Reads a conversation.

    Raises:
        CanonicalJsonError: The text is not JSON, or not the canonical JSON of a conversation.
    """
    try:
        data = _load(text)
        _refuse_surrogates(data)
        return chat.read_conversation(Conversation, data, _CheckingPartReader())
    except RecursionError:
        raise CanonicalJsonError("not JSON that can be read: nested too deeply") from None


class _CheckingPartReader:
    """Checks the type of every part, and says where it is wrong."""

    def member(self, data: Any, key: str, place: Place) -> Any:
        if not isinstance(data, dict):
            raise CanonicalJsonError(_NOT_AN_OBJECT, place)
        if key not in data:
            raise CanonicalJsonError("Field required", (*place, key))
        return data[key]

    def part(self, wanted: type[_PartT], value: Any, place: Place) -> Any:
        if wanted is list and not isinstance(value, list):
            raise _unexpected(_LISTS[str(place[-1])], value, place)
        built_class: Any = _content_class(value, place) if wanted is Content else wanted
        try:
            return _adapter(built_class).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            raise CanonicalJsonError(_describe(first), (*place, *first["loc"])) from None


def _content_class(value: Any, place: Place) -> type[Content]:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in CONTENT_CLASSES:
        *names, last = map(repr, CONTENT_CLASSES)
        raise _unexpected(f"an object with type {', '.join(names)} or {last}", value, place)
    return CONTENT_CLASSES[kind]


@functools.cache
def _adapter(wanted: Any) -> TypeAdapter[Any]:
    return TypeAdapter(wanted)


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)
    except json.JSONDecodeError as error:
        raise CanonicalJsonError(f"not JSON: {error.msg}", position=error.pos) from None
    except ValueError as error:
        raise CanonicalJsonError(f"not JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON has")


def _finite_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is out of range")
    return value


def _refuse_surrogates(data: Any) -> None:
    for place, text in _strings(data, ()):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CanonicalJsonError("lone surrogate in a string", place) from None


def _strings(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Yields every string in a JSON value, keys included, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*place, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield place, key
            yield from _strings(item, (*place, key))


def _describe(error: ErrorDetails) -> str:
    if error["type"] in ("model_type", "dict_type"):
        return _NOT_AN_OBJECT
    if error["type"] == "missing":
        return error["msg"]
    return error["msg"] + _found(error["input"])


def _unexpected(expected: str, value: Any, place: Place) -> CanonicalJsonError:
    return CanonicalJsonError(f"Input should be {expected}{_found(value)}", place)


def _found(value: Any) -> str:
    """Returns the end of a message that shows the value, unless it is a list or an object."""
    if isinstance(value, dict | list):
        return ""
    shown = json.dumps(value, ensure_ascii=False)
    if len(shown) > _MAX_SHOWN_CHARACTERS:
        shown = f"{shown[:_MAX_SHOWN_CHARACTERS]}…"
    return f", found {shown}"


def _to_path(place: Place) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".")
