"""Messages that hold one thing that JSON cannot carry to the renderer."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.json_values import values
from tests.strategies.texts import texts_with_surrogates

# No array and no object lets these through.
_VALUES: Final = (float("nan"), float("inf"), float("-inf"), 10**309, -(10**400), b"x", {1}, 1j)


def _spoilt_schemas() -> st.SearchStrategy[dict[str, Any]]:
    spoilt = st.one_of(st.sampled_from(_VALUES), texts_with_surrogates())
    nested = st.one_of(
        spoilt,
        st.tuples(values(), spoilt).map(list),
        spoilt.map(lambda value: {"a": value}),
        spoilt.map(lambda value: (1, value)),
    )
    return st.one_of(
        nested.map(lambda value: {"type": "string", "default": value}),
        nested.map(
            lambda value: {"type": "object", "properties": {"a": {"enum": [value], "x": value}}}
        ),
        texts_with_surrogates().map(lambda key: {"type": "object", "properties": {key: {}}}),
    )


def _with_tool(parameters: dict[str, Any]) -> dict[str, Any]:
    tool = {"name": "f", "description": "", "parameters": parameters}
    namespace = {"name": "functions", "tools": [tool]}
    content = {"type": "developer_content", "tools": {"functions": namespace}}
    return {"role": "developer", "content": [content]}


_spoilt_fields: Final = st.sampled_from(["content", "name", "channel", "recipient", "content_type"])


def unrenderable_messages() -> st.SearchStrategy[dict[str, Any]]:
    """Messages with surrogates, infinities, huge integers or values that are not JSON.

    Surrogates in pairs are joined on the way, so a few of these can be rendered after all.
    """
    message: dict[str, Any] = {"role": "user", "content": "Hi"}
    fields = st.tuples(_spoilt_fields, texts_with_surrogates())
    return st.one_of(
        _spoilt_schemas().map(_with_tool), fields.map(lambda field: {**message, field[0]: field[1]})
    )
