"""Lists of token ids to decode, and arguments that are not token ids."""

from typing import Final

from hypothesis import strategies as st

from tests.strategies.segments import FIRST_INVALID_TOKEN

FIRST_SPECIAL_TOKEN: Final = 199_998
# Values that no token argument accepts.
NOT_TOKENS: Final = (-1, 2**32, 10**30, 1.0, "1", None, b"x", [1])


def token_ids() -> st.SearchStrategy[int]:
    """Ids of the vocabulary, many of them single bytes or special tokens."""
    return st.one_of(
        st.integers(min_value=0, max_value=255),
        st.integers(min_value=0, max_value=FIRST_SPECIAL_TOKEN - 1),
        st.integers(min_value=FIRST_SPECIAL_TOKEN, max_value=FIRST_INVALID_TOKEN - 1),
    )


def token_lists() -> st.SearchStrategy[list[int]]:
    """Lists of ids, some with an unknown id."""
    invalid = st.sampled_from([FIRST_INVALID_TOKEN, 250_000, 2**32 - 1])
    invalid_lists = st.tuples(
        st.lists(token_ids(), max_size=3), invalid, st.lists(token_ids())
    ).map(lambda parts: [*parts[0], parts[1], *parts[2]])
    lists = st.lists(token_ids(), max_size=12)
    return st.one_of(lists, lists, lists, invalid_lists)
