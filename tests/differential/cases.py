"""The number of cases of each generated test: one budget, divided between them."""

import os
from typing import Final

from hypothesis import settings

VARIABLE: Final = "TEST_CASES"
DEFAULT_CASES: Final = 2_000

# The percentage of the budget for each generated test.
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
    "headers that a stop token ends": 4,
    "encoding": 6,
    "decoding": 3,
    "models": 3,
    "serialized": 2,
}


def total_cases() -> int:
    """Returns the least number of cases that all generated tests run together."""
    return int(os.environ.get(VARIABLE, DEFAULT_CASES))


def case_count(share: str) -> int:
    """Returns the number of cases for the test with this share."""
    return -(-total_cases() * SHARES[share] // sum(SHARES.values()))


def cases(share: str) -> settings:
    """Returns the settings for the generated test with this share.

    The budget, not a Hypothesis profile, decides the number of cases.
    """
    return settings(max_examples=case_count(share), derandomize=False, print_blob=True)
