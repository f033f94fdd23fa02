"""Short names of enum values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

ValueT = TypeVar("ValueT", bound=int)


def enum_label(enum: EnumTypeWrapper, prefix: str, value: ValueT | str) -> ValueT | str:
    """Returns a value that an enum field accepts, given an enum value or a short name.

    `enum_label(Role, "ROLE_", "user")` returns `"ROLE_USER"`; an enum value is
    returned unchanged.

    Raises ValueError for a name that the enum does not have.
    """
    if not isinstance(value, str):
        return value
    label = prefix + value.upper()
    labels = [known for known, number in enum.items() if number]
    if label not in labels:
        names = ", ".join(known.removeprefix(prefix).lower() for known in labels)
        raise ValueError(f"unknown name {value!r}; choose from {names}")
    return label
