"""How many cases each generated test runs: one budget for all of them, shared out here."""

import os
from typing import Final

from hypothesis import settings

VARIABLE: Final = "TEST_CASES"
DEFAULT_CASES: Final = 2_000

# What each generated test gets of every hundred cases.
SHARES: Final = {
    "conversations": 12,
    "messages": 10,
    "messages built by hand": 4,
    "changed conversations": 4,
    "schemas": 20,
    "nesting": 2,
    "unrenderable": 4,
    "parsing": 12,
    "streaming": 14,
    "rescue": 4,
    "encoding": 6,
    "decoding": 3,
    "models": 3,
    "serialised": 2,
}


def total_cases() -> int:
    """Returns how many cases all the generated tests run together, at least."""
    return int(os.environ.get(VARIABLE, DEFAULT_CASES))


def case_count(share: str) -> int:
    """Returns how many cases the test with this share runs."""
    return -(-total_cases() * SHARES[share] // sum(SHARES.values()))


def cases(share: str) -> settings:
    """Returns the settings of the generated test with this share of the budget.

    The budget, not a Hypothesis profile, decides on the number of cases.
    """
    return settings(max_examples=case_count(share), derandomize=False, print_blob=True)
