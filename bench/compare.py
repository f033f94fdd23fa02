"""Measures two sides alternately, so that other load affects both alike."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

# Takes the number of a round, runs it, and returns its cost.
Measure = Callable[[int], float]


@dataclass(frozen=True)
class Ratio:
    """The median, lowest and highest ratio of several rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Ratio":
        """Summarises one ratio per round."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return (
            f"{_three_digits(self.median)} times "
            f"({_three_digits(self.lowest)} to {_three_digits(self.highest)})"
        )


@dataclass(frozen=True)
class Comparison:
    """The cost of each round, for both sides."""

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
        """The other's cost in multiples of ours."""
        return Ratio.of([other / ours for ours, other in self._rounds()])

    @property
    def cost(self) -> Ratio:
        """Our cost in multiples of the other's."""
        return Ratio.of([ours / other for ours, other in self._rounds()])

    def _rounds(self) -> Iterator[tuple[float, float]]:
        return zip(self.our_costs, self.other_costs, strict=True)


def alternate(ours: Measure, other: Measure, rounds: int, *, warm_up: bool = True) -> Comparison:
    """Measures both sides in each round.

    The side that goes first alternates. With `warm_up`, a round number 0 comes first, and its
    costs are discarded.
    """
    first = 0 if warm_up else 1
    our_costs, other_costs = [], []
    for number in range(first, rounds + 1):
        if number % 2:
            our_cost = ours(number)
            other_cost = other(number)
        else:
            other_cost = other(number)
            our_cost = ours(number)
        if number:
            our_costs.append(our_cost)
            other_costs.append(other_cost)
    return Comparison(our_costs, other_costs)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Runs `work` and returns the CPU seconds that all threads of this process used."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def milliseconds(seconds: float) -> str:
    """Formats a time in milliseconds."""
    return f"{_three_digits(seconds * 1e3)} ms"


def microseconds(seconds: float) -> str:
    """Formats a time in microseconds."""
    return f"{_three_digits(seconds * 1e6)} µs"


def nanoseconds(seconds: float) -> str:
    """Formats a time in nanoseconds."""
    return f"{seconds * 1e9:.0f} ns"


def _three_digits(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
