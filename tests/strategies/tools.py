"""Tools and their namespaces, as canonical dictionaries."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies.mixing import evenly
from tests.strategies.schemas import schemas
from tests.strategies.texts import descriptions, texts

NAMESPACE_NAMES: Final = ("functions", "browser", "python", "Z", "a", "é", "")
# Keeps conversations cheap to draw; other schemas have their own test.
_USUAL_SCHEMA: Final = {
    "type": "object",
    "properties": {"location": {"type": "string", "description": "The city."}},
    "required": ["location"],
}

_names = st.one_of(st.sampled_from(["get_weather", "search", "f"]), texts())


def tools() -> st.SearchStrategy[dict[str, Any]]:
    """Tools with and without parameters."""
    return st.fixed_dictionaries(
        {"name": _names, "description": descriptions()},
        optional={"parameters": evenly(st.none(), st.just(_USUAL_SCHEMA), schemas())},
    )


def namespaces() -> st.SearchStrategy[dict[str, Any]]:
    """Namespaces with up to two tools."""
    names = st.one_of(st.sampled_from(NAMESPACE_NAMES), texts())
    return st.fixed_dictionaries(
        {"name": names, "tools": st.lists(tools(), max_size=2)},
        optional={"description": st.one_of(st.none(), descriptions())},
    )


@st.composite
def toolsets(draw: st.DrawFn) -> dict[str, Any]:
    """Namespaces by key, which may differ from their name."""
    keys = st.one_of(st.sampled_from(NAMESPACE_NAMES), texts())
    drawn = draw(st.lists(namespaces(), max_size=3))
    return {
        namespace["name"] if draw(st.booleans()) else draw(keys): namespace for namespace in drawn
    }
