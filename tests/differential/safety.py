"""Removes from generated streams what the core deliberately treats differently."""

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
    """Returns the steps without invalid tokens inside content.

    In content, the reference loses the text after an invalid token, and our core does not. Both
    refuse invalid tokens in headers and between messages, so those are kept.
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
