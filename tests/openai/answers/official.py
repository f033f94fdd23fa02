"""The official package's own types as the judge of every chunk, event and body."""

import functools
import typing
from typing import Any

import pydantic
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent

# Members that OpenAI does not have, and the field's servers do.
_EXTRA = {"reasoning", "reasoning_content"}


def check_chunk(data: str) -> None:
    """Fails unless a chunk is as the package expects it."""
    _check(ChatCompletionChunk, data)


def check_completion(data: str | bytes) -> None:
    """Fails unless a body is as the package expects it."""
    _check(ChatCompletion, data)


def check_event(kind: str, data: str) -> None:
    """Fails unless an event is as the class that its type names expects it."""
    _check(_event_classes()[kind], data)


def check_response(data: str | bytes) -> None:
    """Fails unless a Response object is as the package expects it."""
    _check(Response, data)


def _check(model: type[pydantic.BaseModel], data: str | bytes) -> None:
    _refuse_extra(model.model_validate_json(data, strict=True))


@functools.cache
def _event_classes() -> dict[str, type[pydantic.BaseModel]]:
    union = typing.get_args(ResponseStreamEvent)[0]
    classes: dict[str, type[pydantic.BaseModel]] = {}
    for model in typing.get_args(union):
        (kind,) = typing.get_args(model.model_fields["type"].annotation)
        classes[kind] = model
    return classes


def _refuse_extra(value: Any) -> None:
    if isinstance(value, pydantic.BaseModel):
        extra = set(value.model_extra or {}) - _EXTRA
        assert not extra, f"{type(value).__name__} has {extra}"
        for name in value.model_fields_set:
            _refuse_extra(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            _refuse_extra(item)
