"""The number of cases that each generated test runs, and their seed."""

import os
import random
from collections.abc import Iterator
from typing import Final

CASES_VARIABLE: Final = "WIRE_CASES"
SEED_VARIABLE: Final = "WIRE_SEED"
DEFAULT_CASES: Final = 4_000

# The share of each generated test, in percent.
SHARES: Final = {"unary": 60, "streams": 30, "frames": 10}


def case_count(share: str) -> int:
    """Returns the number of cases for the test with this share."""
    total = int(os.environ.get(CASES_VARIABLE, DEFAULT_CASES))
    return -(-total * SHARES[share] // sum(SHARES.values()))


def run_seed() -> int:
    """Returns and prints the seed of this run: the environment's, or a new one."""
    seed = int(os.environ.get(SEED_VARIABLE, random.SystemRandom().randrange(1 << 32)))
    print(f"{SEED_VARIABLE}={seed}")
    return seed


def generators(share: str, seed: int) -> Iterator[random.Random]:
    """Yields a generator for each case, which depends only on the seed and the case."""
    for number in range(case_count(share)):
        yield random.Random(f"{seed}/{share}/{number}")
