"""Ways to mix strategies."""

from typing import TypeVar

from hypothesis import strategies as st

_Drawn = TypeVar("_Drawn")


def evenly(*strategies: st.SearchStrategy[_Drawn]) -> st.SearchStrategy[_Drawn]:
    """Draws from each strategy equally often.

    `st.one_of` flattens nested alternatives, so one with many parts would be drawn more often.
    """
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


def one_in(count: int) -> st.SearchStrategy[bool]:
    """Draws True one time in `count`."""
    return st.integers(min_value=1, max_value=count).map(lambda number: number == count)
