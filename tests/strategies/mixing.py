"""How strategies are mixed: evenly, and now and then."""

from typing import TypeVar

from hypothesis import strategies as st

_Drawn = TypeVar("_Drawn")


def evenly(*strategies: st.SearchStrategy[_Drawn]) -> st.SearchStrategy[_Drawn]:
    """Draws from each strategy equally often.

    `st.one_of` takes its nested alternatives apart, so that those of many parts crowd out others.
    """
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


def one_in(count: int) -> st.SearchStrategy[bool]:
    """Draws True once in `count` times."""
    return st.integers(min_value=1, max_value=count).map(lambda number: number == count)
