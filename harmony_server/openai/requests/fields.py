"""Values of a body that know their place in it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from ...core.json_text import Number
from ..request_errors import BodyErrorReason, RequestBodyError
from .bounds import MAX_PLACE_NAME_CHARACTERS

# None, bool, str, list and dict; an int, or a Number where an int would lose its spelling.
Json: TypeAlias = Any

_SHOWN_NAME: Final = re.compile(rf"[A-Za-z0-9_]{{1,{MAX_PLACE_NAME_CHARACTERS}}}")
_INTEGER: Final = re.compile(r"-?\d+")
# The first of so many digits are enough to be out of every range.
_MAX_INTEGER_CHARACTERS: Final = 40


class Field:
    """A value of a body, and where it stands.

    A member that is missing is a field of the value None, like one that is null. Methods that read
    a value raise RequestBodyError, with the place, where it is of another type.

    Attributes:
        value: The JSON value.
    """

    __slots__ = ("_parent", "_step", "value")

    def __init__(self, value: Json, parent: Field | None = None, step: str | int = "") -> None:
        self.value = value
        self._parent = parent
        self._step = step

    @property
    def place(self) -> str:
        """The place, as in `messages[2].content[0].type`.

        It ends before the first name that could be a text rather than a name.
        """
        place = ""
        for step in self._steps():
            if isinstance(step, int):
                place += f"[{step}]"
            elif _SHOWN_NAME.fullmatch(step):
                place += f".{step}" if place else step
            else:
                break
        return place

    @property
    def name(self) -> str:
        """The name of a member, as the client wrote it."""
        return str(self._step)

    @property
    def is_missing(self) -> bool:
        """Whether the member is missing or null."""
        return self.value is None

    # Members and elements

    def member(self, name: str) -> Field:
        """Returns a member of an object."""
        value = self.value
        if not isinstance(value, dict):
            raise self._wrong_type("an object")
        return Field(value.get(name), self, name)

    def text_of(self, name: str) -> str | None:
        """Returns the string of a member of an object, or None where it is missing."""
        value = self._object().get(name)
        if value is None or type(value) is str:
            return value
        return self.member(name).optional_text()

    def has(self, name: str) -> bool:
        """Returns whether an object has a member that is not null."""
        return self._object().get(name) is not None

    def other_members(self, known: frozenset[str]) -> Iterator[Field]:
        """Yields the members of an object whose names are not among `known`, in order."""
        value = self._object()
        if not value.keys() <= known:
            for name, member in value.items():
                if name not in known:
                    yield Field(member, self, name)

    def elements(self) -> list[Field]:
        """Returns the elements of a list."""
        if not isinstance(self.value, list):
            raise self._wrong_type("a list")
        return [Field(value, self, index) for index, value in enumerate(self.value)]

    def optional_elements(self) -> list[Field]:
        """Returns the elements of a list; none where it is missing."""
        return [] if self.value is None else self.elements()

    def require_object(self) -> None:
        """Raises an error unless the value is an object."""
        self._object()

    # Values

    def text(self) -> str:
        """Returns a string."""
        if not isinstance(self.value, str):
            raise self._wrong_type("a string")
        return self.value

    def optional_text(self) -> str | None:
        """Returns a string, or None where it is missing."""
        return None if self.value is None else self.text()

    def optional_flag(self) -> bool | None:
        """Returns true or false, or None where it is missing."""
        if self.value is not None and not isinstance(self.value, bool):
            raise self._wrong_type("true or false")
        return self.value

    def optional_integer(self, minimum: int, maximum: int) -> int | None:
        """Returns an integer within bounds, or None where it is missing."""
        if self.value is None:
            return None
        value = self.value
        if isinstance(value, Number) and _INTEGER.fullmatch(value.text):
            value = int(value.text[:_MAX_INTEGER_CHARACTERS])
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type("an integer")
        if not minimum <= value <= maximum:
            raise self.invalid(f"must be from {minimum} to {maximum}")
        return value

    def optional_number(self) -> float | None:
        """Returns a number that a double holds, or None where it is missing."""
        value = self.value
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Number):
            raise self._wrong_type("a number")
        number = float(value.text if isinstance(value, Number) else value)
        if math.isinf(number):
            raise self.invalid("is out of range")
        return number

    # Errors

    def invalid(
        self,
        message: str,
        *,
        reason: BodyErrorReason = BodyErrorReason.INVALID_FIELD,
        code: str | None = "invalid_value",
    ) -> RequestBodyError:
        """Returns the error for this field; `message` goes on after the place."""
        return RequestBodyError(message, self.place, reason=reason, code=code)

    def too_large(self, limit: str, maximum: int, code: str) -> RequestBodyError:
        """Returns the error for a field that exceeds a limit of the package."""
        return RequestBodyError(
            f"exceeds {limit}, {maximum}",
            self.place,
            reason=BodyErrorReason.LIMIT_EXCEEDED,
            code=code,
            limit=limit,
            maximum=maximum,
        )

    def required(self) -> RequestBodyError:
        """Returns the error for a field that is missing."""
        return self.invalid("is required", code="missing_required_parameter")

    def _steps(self) -> list[str | int]:
        """Returns the steps to this field, from the outermost value; that may have a name too."""
        steps = []
        field: Field | None = self
        while field is not None:
            if field._step != "" or field._parent is not None:
                steps.append(field._step)
            field = field._parent
        steps.reverse()
        return steps

    def _object(self) -> dict[str, Json]:
        if not isinstance(self.value, dict):
            raise self._wrong_type("an object")
        return self.value

    def _wrong_type(self, expected: str) -> RequestBodyError:
        if self.value is None:
            return self.required()
        return self.invalid(f"must be {expected}", code="invalid_type")
