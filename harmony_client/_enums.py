"""Enum values by their short names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

ValueT = TypeVar("ValueT", bound=int)


def enum_label(enum: EnumTypeWrapper, prefix: str, value: ValueT | str) -> ValueT | str:
    """Returns what an enum field takes: a value as it is, a short name with its prefix.

    `enum_label(Role, "ROLE_", "user")` is `"ROLE_USER"`.

    Raises ValueError for a name that the enum does not have.
    """
    if not isinstance(value, str):
        return value
    label = prefix + value.upper()
    labels = [known for known, number in enum.items() if number]
    if label not in labels:
        names = ", ".join(known.removeprefix(prefix).lower() for known in labels)
        raise ValueError(f"unknown name {value!r}: it is none of {names}")
    return label
