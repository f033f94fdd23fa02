"""How many cases each generated test runs, and from which seed."""

import os
import random
from collections.abc import Iterator
from typing import Final

CASES_VARIABLE: Final = "WIRE_CASES"
SEED_VARIABLE: Final = "WIRE_SEED"
DEFAULT_CASES: Final = 4_000

# What each generated test gets of every hundred cases.
SHARES: Final = {"unary": 60, "streams": 30, "frames": 10}


def case_count(share: str) -> int:
    """Returns how many cases the test with this share runs."""
    total = int(os.environ.get(CASES_VARIABLE, DEFAULT_CASES))
    return -(-total * SHARES[share] // sum(SHARES.values()))


def run_seed() -> int:
    """Returns the seed of this run, a new one unless the environment names it, and prints it."""
    seed = int(os.environ.get(SEED_VARIABLE, random.SystemRandom().randrange(1 << 32)))
    print(f"{SEED_VARIABLE}={seed}")
    return seed


def generators(share: str, seed: int) -> Iterator[random.Random]:
    """Yields for each case a generator of its own, the same whenever the seed is."""
    for number in range(case_count(share)):
        yield random.Random(f"{seed}/{share}/{number}")
