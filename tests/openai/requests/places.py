"""Finds places in a body, as errors and notices name them."""

import re
from typing import Any

_STEP = re.compile(r"\.?([A-Za-z0-9_]+)|\[(\d+)\]")


def exists(place: str, body: Any) -> bool:
    """Returns whether a place is in a body; its last step may be a member that is missing."""
    steps = _STEP.findall(place)
    if "".join(f".{name}" if name else f"[{index}]" for name, index in steps) not in (
        place,
        f".{place}",
    ):
        return False
    value = body
    for position, (name, index) in enumerate(steps):
        is_last = position == len(steps) - 1
        if name:
            if not isinstance(value, dict) or (name not in value and not is_last):
                return False
            value = value.get(name)
        elif not isinstance(value, list) or int(index) >= len(value):
            return False
        else:
            value = value[int(index)]
    return True
