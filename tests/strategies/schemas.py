"""JSON Schemas of every kind that the renderer tells apart, malformed ones included."""

from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from tests.strategies import json_values
from tests.strategies.mixing import evenly, one_in
from tests.strategies.texts import descriptions, texts

Schema = dict[str, Any]

PROPERTY_NAMES: Final = (
    "a",
    "b",
    "location",
    "unit",
    "with space",
    'qu"ote',
    "1",
    "",
    "line\nbreak",
    "größe",
    "<|end|>",
)
_TYPE_NAMES: Final = ("string", "number", "integer", "boolean", "array", "object", "null", "x")
# How deep schemas nest; what is deeper still comes from the strategy for nesting.
_MAX_DEPTH: Final = 3

_property_names = evenly(st.sampled_from(PROPERTY_NAMES), texts())
_enums: st.SearchStrategy[Any] = evenly(
    st.lists(st.sampled_from(["celsius", "fahrenheit", "null"]), min_size=1, max_size=3),
    st.lists(evenly(texts(), json_values.scalars()), max_size=3),
    json_values.scalars(),
)
_ANNOTATIONS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "title": evenly(descriptions(), descriptions(), json_values.scalars()),
    "description": evenly(st.just("same"), descriptions(), json_values.scalars()),
    "examples": evenly(
        st.lists(texts(), max_size=3),
        st.lists(json_values.values(), max_size=3),
        json_values.values(),
    ),
    "default": evenly(st.just("celsius"), json_values.values(), json_values.values()),
    "nullable": evenly(st.just(True), st.booleans(), json_values.scalars()),
    "enum": _enums,
}


def schemas() -> st.SearchStrategy[Schema]:
    """Schemas for a tool's parameters; most of them of an object, as it should be."""
    return evenly(_annotated(_objects(_MAX_DEPTH)), _annotated(_objects(1)), _schemas(_MAX_DEPTH))


def _schemas(depth: int) -> st.SearchStrategy[Schema]:
    """Schemas that nest at most so deep."""
    kinds = _KINDS if depth else _FLAT_KINDS
    return _annotated(st.sampled_from(kinds).flatmap(lambda kind: kind(depth - 1)))


@st.composite
def _annotated(draw: st.DrawFn, schemas: st.SearchStrategy[Schema]) -> Schema:
    """Schemas with some annotations, their members in any order."""
    schema = dict(draw(schemas))
    names = st.lists(st.sampled_from(sorted(_ANNOTATIONS)), unique=True, max_size=3)
    for name in draw(names):
        schema.setdefault(name, draw(_ANNOTATIONS[name]))
    return dict(draw(st.permutations(list(schema.items()))))


@st.composite
def _inner(draw: st.DrawFn, depth: int) -> Any:
    """What stands where a schema is expected: now and then no schema at all."""
    return draw(json_values.scalars() if draw(one_in(10)) else _schemas(depth))


@st.composite
def _objects(draw: st.DrawFn, depth: int) -> Schema:
    names = draw(st.lists(_property_names, unique=True, min_size=1, max_size=3))
    if draw(one_in(20)):
        names = []
    properties: Any = {name: draw(_inner(depth)) for name in names}
    if draw(one_in(20)):
        properties = draw(json_values.scalars())
    schema: Schema = {"type": "object", "properties": properties}
    if draw(one_in(20)):
        del schema["properties"]
    if draw(st.booleans()):
        required = st.lists(
            evenly(st.sampled_from([*names, "a"]), json_values.scalars()), max_size=3
        )
        schema["required"] = draw(evenly(required, required, json_values.scalars()))
    return schema


@st.composite
def _arrays(draw: st.DrawFn, depth: int) -> Schema:
    return {"type": "array"} if draw(one_in(4)) else {"type": "array", "items": draw(_inner(depth))}


@st.composite
def _one_of(draw: st.DrawFn, depth: int) -> Schema:
    schema: Schema = {"oneOf": draw(st.lists(_inner(depth), max_size=3))}
    if draw(one_in(10)):
        schema["oneOf"] = draw(json_values.values())
    if draw(one_in(4)):
        schema["type"] = draw(st.sampled_from(["object", "string", "array"]))
    if draw(one_in(4)):
        schema["description"] = "same"
    return schema


@st.composite
def _combinations(draw: st.DrawFn, depth: int) -> Schema:
    keyword = draw(st.sampled_from(["anyOf", "allOf"]))
    return {keyword: draw(st.lists(_inner(depth), max_size=2))}


def _strings(_: int) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({"type": st.just("string")}, optional={"enum": _enums})


def _plain_types(_: int) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({"type": st.sampled_from(_TYPE_NAMES)})


def _type_lists(_: int) -> st.SearchStrategy[Schema]:
    names = evenly(
        st.sampled_from(_TYPE_NAMES), st.sampled_from(_TYPE_NAMES), json_values.scalars()
    )
    return st.fixed_dictionaries({"type": st.lists(names, max_size=3)})


def _untyped(_: int) -> st.SearchStrategy[Schema]:
    return evenly(
        st.fixed_dictionaries({}),
        st.fixed_dictionaries({"type": json_values.values()}),
        st.fixed_dictionaries({"$ref": st.just("#/$defs/a"), "$defs": st.just({"a": {}})}),
        st.fixed_dictionaries({"const": json_values.values()}),
    )


_Kind = Callable[[int], st.SearchStrategy[Schema]]
_FLAT_KINDS: Final[tuple[_Kind, ...]] = (_strings, _plain_types, _type_lists, _untyped)
_KINDS: Final[tuple[_Kind, ...]] = (
    _objects,
    _objects,
    _objects,
    _one_of,
    _one_of,
    _arrays,
    _combinations,
    *_FLAT_KINDS,
)
