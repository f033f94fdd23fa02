"""Parameters nested to depths around the reference's limit."""

from typing import Any, Final

from hypothesis import strategies as st

# The reference's limit is 118 to 120 levels, depending on the function.
_DEPTHS: Final = st.one_of(
    st.integers(min_value=114, max_value=124),
    st.integers(min_value=1, max_value=113),
    st.integers(min_value=125, max_value=300),
)


def _nested(depth: int, shape: str) -> Any:
    value: Any = 1
    for level in range(depth):
        in_list = shape == "lists" or (shape == "mixed" and level % 2 == 0)
        value = [value] if in_list else {"a": value}
    return value


def _nested_arrays(depth: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth - 1):
        schema = {"type": "array", "items": schema}
    return schema


def nested_schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Schemas of many depths: nested defaults and arrays of arrays."""
    defaults = st.builds(_nested, _DEPTHS, st.sampled_from(["lists", "objects", "mixed"]))
    return st.one_of(
        defaults.map(lambda value: {"type": "string", "default": value}),
        _DEPTHS.map(_nested_arrays),
    )
