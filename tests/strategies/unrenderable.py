"""Messages with one value that JSON cannot express."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.json_values import values
from tests.strategies.texts import texts_with_surrogates

# Refused anywhere in parameters.
_VALUES: Final = (float("nan"), float("inf"), float("-inf"), 10**309, -(10**400), b"x", {1}, 1j)


def _bad_schemas() -> st.SearchStrategy[dict[str, Any]]:
    bad_values = st.one_of(st.sampled_from(_VALUES), texts_with_surrogates())
    nested = st.one_of(
        bad_values,
        st.tuples(values(), bad_values).map(list),
        bad_values.map(lambda value: {"a": value}),
        bad_values.map(lambda value: (1, value)),
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
    return _with_content("developer", {"tools": {"functions": namespace}})


def _with_content(role: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": [{"type": f"{role}_content", **fields}]}


def _bad_contents(text: str) -> list[dict[str, Any]]:
    """Returns messages with the text in system or developer content, each in another field."""
    tools = [{"name": "f", "description": ""}]
    namespaces: list[dict[str, Any]] = [
        {text: {"name": "a", "tools": []}},
        {"a": {"name": text, "tools": []}},
        {"a": {"name": "a", "description": text, "tools": []}},
        {"a": {"name": "a", "tools": [{"name": text, "description": ""}]}},
        {"a": {"name": "a", "tools": [*tools, {"name": "f", "description": text}]}},
    ]
    channels = {"valid_channels": ["final", text], "channel_required": True}
    return [
        _with_content("system", {"model_identity": text}),
        _with_content("system", {"conversation_start_date": text}),
        _with_content("system", {"knowledge_cutoff": text}),
        _with_content("system", {"channel_config": channels}),
        _with_content("developer", {"instructions": text}),
        *(_with_content("developer", {"tools": namespace}) for namespace in namespaces),
        *(_with_content("system", {"tools": namespace}) for namespace in namespaces),
    ]


_TEXT_FIELDS: Final = ("content", "name", "channel", "recipient", "content_type")


def messages_with(text: str) -> list[dict[str, Any]]:
    """Returns messages with the text, each in another field."""
    message = {"role": "user", "content": "Hi"}
    return [*({**message, field: text} for field in _TEXT_FIELDS), *_bad_contents(text)]


def unrenderable_messages() -> st.SearchStrategy[dict[str, Any]]:
    """Messages with surrogates, infinities, huge integers or values that are not JSON.

    Some can be rendered after all, because surrogate pairs are joined.
    """
    bad_texts = texts_with_surrogates().map(messages_with)
    return st.one_of(_bad_schemas().map(_with_tool), bad_texts.flatmap(st.sampled_from))
