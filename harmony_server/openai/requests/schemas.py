"""JSON Schemas of a request, with their order and their numbers."""

from typing import Any

from ...core.json_text import Number
from .body import RepeatedMembers
from .fields import Field, Json
from .json_output import to_json


def read_schema(field: Field) -> dict[str, Any]:
    """Returns a schema in plain Python values, as `core.ToolDescription` takes it.

    Raises:
        RequestBodyError: Not an object, an object in which a name stands twice, or a number that
            is out of range.
    """
    field.require_object()
    schema: dict[str, Any] = _to_plain(field.value, field)
    return schema


def read_schema_text(field: Field) -> str:
    """Returns a schema as compact JSON, in the client's order and spelling of numbers.

    Raises:
        RequestBodyError: As `read_schema`.
    """
    read_schema(field)
    return to_json(field.value)


def _to_plain(value: Json, schema: Field) -> Any:
    if isinstance(value, dict):
        if isinstance(value, RepeatedMembers):
            raise schema.invalid("has an object in which a name stands twice")
        return {name: _to_plain(member, schema) for name, member in value.items()}
    if isinstance(value, list):
        return [_to_plain(element, schema) for element in value]
    return _to_number(value, schema) if isinstance(value, Number) else value


def _to_number(number: Number, schema: Field) -> int | float:
    text = number.text
    if float(text) in (float("inf"), float("-inf")):
        raise schema.invalid("has a number that is out of range")
    # Finite, it has few enough digits for Python.
    return int(text) if text.removeprefix("-").isdecimal() else float(text)
