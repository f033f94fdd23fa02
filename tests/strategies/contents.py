"""Contents of a message, as canonical dictionaries."""

from typing import Any

from hypothesis import strategies as st

from tests.strategies.texts import descriptions, texts
from tests.strategies.tools import toolsets

_toolsets = st.one_of(st.none(), toolsets())
_short_texts = st.one_of(st.none(), st.sampled_from(["2024-06", "2025-06-28"]), texts())


def text_contents() -> st.SearchStrategy[dict[str, Any]]:
    """Text contents."""
    return st.fixed_dictionaries({"type": st.just("text"), "text": texts()})


def channel_configs() -> st.SearchStrategy[dict[str, Any]]:
    """Channel configurations, some without any channel."""
    channels = st.one_of(st.sampled_from(["analysis", "commentary", "final"]), texts())
    return st.fixed_dictionaries(
        {"valid_channels": st.lists(channels, max_size=3), "channel_required": st.booleans()}
    )


def system_contents() -> st.SearchStrategy[dict[str, Any]]:
    """System contents whose fields are missing (the default), None (left out) or set."""
    return st.fixed_dictionaries(
        {"type": st.just("system_content")},
        optional={
            "model_identity": st.one_of(st.none(), descriptions()),
            "reasoning_effort": st.sampled_from([None, "Low", "Medium", "High"]),
            "conversation_start_date": _short_texts,
            "knowledge_cutoff": _short_texts,
            "channel_config": st.one_of(st.none(), channel_configs()),
            "tools": _toolsets,
        },
    )


def developer_contents() -> st.SearchStrategy[dict[str, Any]]:
    """Developer contents, some of them empty."""
    return st.fixed_dictionaries(
        {"type": st.just("developer_content")},
        optional={"instructions": st.one_of(st.none(), descriptions()), "tools": _toolsets},
    )
