"""How long the stress tests run: one factor for all of them."""

import os
from typing import Final

VARIABLE: Final = "STRESS_SCALE"
# `make stress` sets 100.
DEFAULT: Final = 1


def scale() -> int:
    """Returns by how much the stress tests run longer than in CI."""
    return int(os.environ.get(VARIABLE, DEFAULT))


def scaled(count: int, most: int | None = None) -> int:
    """Returns a count for this run: `count` in CI, in proportion else, up to `most`."""
    return count * scale() if most is None else min(count * scale(), most)
