"""How long the stress tests run: one factor for all."""

import os
from typing import Final

VARIABLE: Final = "STRESS_SCALE"
# `make stress` sets 20.
DEFAULT: Final = 1


def scale() -> int:
    """Returns the factor by which the stress tests run longer than in CI."""
    return int(os.environ.get(VARIABLE, DEFAULT))


def scaled(count: int, most: int | None = None) -> int:
    """Returns `count` times the factor, up to `most`."""
    return count * scale() if most is None else min(count * scale(), most)
