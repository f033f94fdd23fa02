"""Keeps generated streams clear of the one deliberate difference that they could run into."""

import functools
from collections.abc import Sequence
from typing import TypeVar

from tests.differential.outcomes import Comparison, outcome_of
from tests.differential.traces import advance
from tests.strategies.segments import FIRST_INVALID_TOKEN

_Step = TypeVar("_Step", int, int | None)


def without_invalid_content(
    both: Comparison, steps: Sequence[_Step], role: str | None, *, strict: bool
) -> list[_Step]:
    """Returns the steps without the invalid tokens that would come to lie in content.

    There the reference loses the rest of the text, and our core deliberately does not. In headers
    and between messages both refuse them, so there they stay.
    """
    if not any(map(_is_invalid, steps)):
        return list(steps)
    reference = both.reference
    preset = None if role is None else reference.Role(role)
    parser = reference.StreamableParser(both.reference_encoding, preset, strict=strict)
    kept = []
    for step in steps:
        if _is_invalid(step) and parser.state is reference.StreamState.CONTENT:
            continue
        outcome_of(functools.partial(advance, parser, step))
        kept.append(step)
    return kept


def _is_invalid(step: int | None) -> bool:
    return step is not None and step >= FIRST_INVALID_TOKEN
