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
    return _with_content("developer", {"tools": {"functions": namespace}})


def _with_content(role: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": [{"type": f"{role}_content", **fields}]}


def _spoilt_contents(text: str) -> list[dict[str, Any]]:
    """Messages whose system or developer content holds the text, each in another place."""
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


_SPOILT_FIELDS: Final = ("content", "name", "channel", "recipient", "content_type")


def messages_with(text: str) -> list[dict[str, Any]]:
    """Returns messages that hold the text, each in another of the places that a message has."""
    message = {"role": "user", "content": "Hi"}
    return [*({**message, field: text} for field in _SPOILT_FIELDS), *_spoilt_contents(text)]


def unrenderable_messages() -> st.SearchStrategy[dict[str, Any]]:
    """Messages with surrogates, infinities, huge integers or values that are not JSON.

    Surrogates in pairs are joined on the way, so a few of these can be rendered after all.
    """
    spoilt_texts = texts_with_surrogates().map(messages_with)
    return st.one_of(_spoilt_schemas().map(_with_tool), spoilt_texts.flatmap(st.sampled_from))
