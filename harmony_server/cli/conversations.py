"""Conversations from canonical JSON, with the path of whatever is wrong in it."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, Discriminator, Tag, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from ..core import Author, Conversation, DeveloperContent, Message, Role, SystemContent, TextContent
from .errors import InputError
from .inputs import Source

_MAX_SHOWN = 40


def _content_kind(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else None


def _content_list(value: Any) -> Any:
    """Turns the short form of content, a string, into the long one."""
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    if not isinstance(value, list):
        raise PydanticCustomError("content", "Input should be a string or a list of contents")
    return value


_Content = Annotated[
    Annotated[TextContent, Tag("text")]
    | Annotated[SystemContent, Tag("system_content")]
    | Annotated[DeveloperContent, Tag("developer_content")],
    Discriminator(
        _content_kind,
        custom_error_type="content",
        custom_error_message=(
            "Input should be an object with type 'text', 'system_content' or 'developer_content'"
        ),
    ),
]


class _Message(BaseModel):
    role: Role
    name: str | None = None
    content: Annotated[list[_Content], BeforeValidator(_content_list)]
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None

    def to_core(self) -> Message:
        return Message(
            author=Author(role=self.role, name=self.name),
            content=list(self.content),
            channel=self.channel,
            recipient=self.recipient,
            content_type=self.content_type,
        )


class _Conversation(BaseModel):
    messages: list[_Message]


def read_conversation(source: Source) -> Conversation:
    """Reads a conversation.

    Raises:
        InputError: The text is not JSON, or not the canonical JSON of a conversation.
    """
    try:
        value = json.loads(source.text, parse_constant=_refuse_constant, parse_float=_finite_float)
        _refuse_surrogates(value)
        conversation = _Conversation.model_validate(value)
    except json.JSONDecodeError as error:
        raise source.error(f"not JSON: {error.msg}", error.pos) from None
    except RecursionError:
        raise InputError("not JSON that can be read: nested too deeply") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(_problem(first), place=_path(first["loc"])) from None
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from None
    return Conversation(messages=[message.to_core() for message in conversation.messages])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON has")


def _finite_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is out of range")
    return value


def _refuse_surrogates(value: Any) -> None:
    for location, text in _strings(value, ()):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError("lone surrogate in a string", place=_join(location)) from None


def _strings(value: Any, location: tuple[str | int, ...]) -> Iterator[tuple[Any, str]]:
    """Yields every string in a JSON value, keys included, with its location."""
    if isinstance(value, str):
        yield location, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*location, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield location, key
            yield from _strings(item, (*location, key))


def _problem(error: ErrorDetails) -> str:
    if error["type"] in ("model_type", "dict_type"):
        return "Input should be an object"
    value = error["input"]
    if error["type"] == "missing" or isinstance(value, dict | list):
        return error["msg"]
    found = json.dumps(value, ensure_ascii=False)
    if len(found) > _MAX_SHOWN:
        found = f"{found[:_MAX_SHOWN]}…"
    return f"{error['msg']}, found {found}"


def _path(location: tuple[str | int, ...]) -> str:
    """Returns the path in the JSON for a location in the models."""
    match location:
        # After the index of a content, pydantic names the kind that it took the content for.
        case ("messages", index, "content", int(position), _, *rest):
            return _join(("messages", index, "content", position, *rest))
    return _join(location)


def _join(location: tuple[str | int, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")
