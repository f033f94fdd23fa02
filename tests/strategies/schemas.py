"""JSON Schemas of every kind that the renderer distinguishes, including malformed ones."""

import functools
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
_annotation_names = st.lists(st.sampled_from(sorted(_ANNOTATIONS)), unique=True, max_size=3)
_unusual_requirements = st.lists(
    evenly(st.sampled_from(PROPERTY_NAMES), json_values.scalars()), max_size=1
)


def schemas() -> st.SearchStrategy[Schema]:
    """Schemas for a tool's parameters, most of them objects."""
    return evenly(_annotated(_objects(2)), _annotated(_objects(1)), _schemas(3))


@functools.cache
def _schemas(depth: int) -> st.SearchStrategy[Schema]:
    """Schemas nested at most `depth` levels deep."""
    kinds = _KINDS if depth else _FLAT_KINDS
    return _annotated(evenly(*(kind(depth - 1) for kind in kinds)))


@st.composite
def _annotated(draw: st.DrawFn, schemas: st.SearchStrategy[Schema]) -> Schema:
    """Schemas with annotations before or after their other members."""
    schema = draw(schemas)
    annotations = {
        name: draw(_ANNOTATIONS[name]) for name in draw(_annotation_names) if name not in schema
    }
    return annotations | schema if draw(st.booleans()) else schema | annotations


@functools.cache
def _inner(depth: int) -> st.SearchStrategy[Any]:
    """Values in place of a schema: mostly schemas, sometimes scalars."""
    schemas = _schemas(depth)
    return evenly(json_values.scalars(), *[schemas] * 9)


@functools.cache
def _property_maps(depth: int) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(_property_names, _inner(depth), min_size=1, max_size=3)
    return evenly(json_values.scalars(), st.just({}), *[properties] * 18)


@functools.cache
def _objects(depth: int) -> st.SearchStrategy[Schema]:
    return _object(_property_maps(depth))


@st.composite
def _object(draw: st.DrawFn, property_maps: st.SearchStrategy[Any]) -> Schema:
    properties = draw(property_maps)
    schema: Schema = {"type": "object", "properties": properties}
    if draw(one_in(20)):
        del schema["properties"]
    if draw(st.booleans()):
        names = list(properties) if isinstance(properties, dict) else []
        schema["required"] = [*names[draw(st.booleans()) :], *draw(_unusual_requirements)]
    elif draw(one_in(5)):
        schema["required"] = draw(json_values.scalars())
    return schema


@functools.cache
def _arrays(depth: int) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({"type": st.just("array")}, optional={"items": _inner(depth)})


@functools.cache
def _one_of(depth: int) -> st.SearchStrategy[Schema]:
    variants = st.lists(_inner(depth), min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {"oneOf": evenly(json_values.values(), st.just([]), *[variants] * 8)},
        optional={
            "type": st.sampled_from(["object", "string", "array"]),
            "description": st.just("same"),
        },
    )


@functools.cache
def _combinations(depth: int) -> st.SearchStrategy[Schema]:
    inner = st.lists(_inner(depth), max_size=2)
    return evenly(st.fixed_dictionaries({"anyOf": inner}), st.fixed_dictionaries({"allOf": inner}))


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
