"""JSON Schemas of a request: cut out of the body with their order and their numbers."""

from ...core import json_text
from .body import RepeatedMembers
from .fields import Field, Json


def schema_text(field: Field) -> str:
    """Returns a schema as compact JSON, in the client's order and spelling of numbers.

    Raises:
        RequestBodyError: Not an object, or not one that can be rendered.
    """
    field.require_object()
    if _has_repeated_members(field.value):
        raise field.invalid("has an object in which a name stands twice")
    text = json_text.dump(field.value)
    try:
        json_text.load(text)
    except json_text.JsonError:
        # Of what the core refuses, only this can still be in it.
        raise field.invalid("has a number that is out of range") from None
    return text


def _has_repeated_members(value: Json) -> bool:
    if isinstance(value, RepeatedMembers):
        return True
    if isinstance(value, dict):
        return any(map(_has_repeated_members, value.values()))
    return isinstance(value, list) and any(map(_has_repeated_members, value))
