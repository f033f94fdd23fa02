"""A and B in turn: on a busy machine only figures taken side by side can be compared."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Measures round number `i` and returns its cost.
Measure = Callable[[int], float]


@dataclass(frozen=True)
class Ratio:
    """A ratio over several rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Ratio":
        """Returns the ratio that the values of the rounds give."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return (
            f"{_three_digits(self.median)} times "
            f"({_three_digits(self.lowest)} to {_three_digits(self.highest)})"
        )


@dataclass(frozen=True)
class Comparison:
    """What each round cost, ours and the other side by side."""

    our_costs: Sequence[float]
    other_costs: Sequence[float]

    @property
    def ours(self) -> float:
        """Our median cost."""
        return statistics.median(self.our_costs)

    @property
    def other(self) -> float:
        """The other's median cost."""
        return statistics.median(self.other_costs)

    @property
    def speed_up(self) -> Ratio:
        """How many times less we cost."""
        return Ratio.of([b / a for a, b in zip(self.our_costs, self.other_costs, strict=True)])

    @property
    def cost(self) -> Ratio:
        """Our cost in multiples of the other's."""
        return Ratio.of([a / b for a, b in zip(self.our_costs, self.other_costs, strict=True)])


def alternate(ours: Measure, other: Measure, rounds: int, *, warm_up: bool = True) -> Comparison:
    """Runs both in turn; who goes first alternates, and a first round is thrown away."""
    first = 0 if warm_up else 1
    our_costs, other_costs = [], []
    for number in range(first, rounds + 1):
        if number % 2:
            a = ours(number)
            b = other(number)
        else:
            b = other(number)
            a = ours(number)
        if number:
            our_costs.append(a)
            other_costs.append(b)
    return Comparison(our_costs, other_costs)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Returns the CPU time that `work` takes in this process, all threads together."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def milliseconds(seconds: float) -> str:
    """Returns a time for a table."""
    return f"{_three_digits(seconds * 1e3)} ms"


def microseconds(seconds: float) -> str:
    """Returns a time for a table."""
    return f"{_three_digits(seconds * 1e6)} µs"


def nanoseconds(seconds: float) -> str:
    """Returns a time for a table."""
    return f"{seconds * 1e9:.0f} ns"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
