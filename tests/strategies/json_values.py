"""JSON values of every kind, with many numbers that are hard to read or print."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.mixing import evenly
from tests.strategies.texts import texts

NOTABLE_FLOATS: Final = (
    0.0,
    -0.0,
    1.0,
    0.1,
    0.1 + 0.2,
    1e-5,
    1e-6,
    1e-7,
    1e15,
    1e16,
    1e17,
    1e23,
    1e300,
    1.7976931348623157e308,
    5e-324,
    2.2250738585072014e-308,
    # The reference reads these one unit in the last place off.
    2.7715077941825975e-163,
    1.0000000000000001e23,
    1.2345678912500001e-05,
    -9.920174193947555e-79,
)
NOTABLE_INTEGERS: Final = (
    0,
    -1,
    2**53 + 1,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    2**64 - 1,
    2**64,
    10**20,
    -(10**25),
    123456789012345678901234567890,
    10**308,
)


def floats() -> st.SearchStrategy[float]:
    """Finite floats."""
    return evenly(
        st.sampled_from(NOTABLE_FLOATS),
        st.floats(allow_nan=False, allow_infinity=False),
        st.floats(min_value=-1000, max_value=1000),
    )


def integers() -> st.SearchStrategy[int]:
    """Integers, including those that do not fit in 64 bits."""
    return evenly(
        st.sampled_from(NOTABLE_INTEGERS),
        st.integers(min_value=-20, max_value=20),
        st.integers(min_value=-(2**70), max_value=2**70),
        st.integers(min_value=-(10**300), max_value=10**300),
    )


def scalars() -> st.SearchStrategy[Any]:
    """JSON values other than arrays and objects."""
    return evenly(st.none(), st.booleans(), integers(), floats(), texts())


def values() -> st.SearchStrategy[Any]:
    """JSON values of every kind, with little nesting."""
    flat = scalars()
    lists = st.lists(flat, max_size=3)
    objects = st.dictionaries(texts(), flat, max_size=3)
    nested = st.lists(st.one_of(lists, objects, flat), max_size=3)
    nested_in_objects = st.dictionaries(st.sampled_from(["a", "b"]), nested, max_size=2)
    return evenly(
        st.none(), st.booleans(), integers(), floats(), texts(), lists, objects, nested_in_objects
    )
