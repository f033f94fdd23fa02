"""Reads a JSON Schema into shapes, and reports what the shapes do not enforce."""

import json
import math
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ..bounds import MAX_ENFORCED_LENGTH, MAX_JSON_DEPTH
from .options import Budget, NoticeReason
from .shapes import (
    ANY_VALUE,
    NEVER,
    AnyOf,
    Array,
    Constants,
    JsonShape,
    Number,
    Object,
    Reference,
    Shape,
    String,
)

_OBJECT_KEYWORDS = ("properties", "required", "additionalProperties")
_ARRAY_KEYWORDS = ("items", "prefixItems", "additionalItems", "minItems", "maxItems")
_STRING_KEYWORDS = ("minLength", "maxLength", "pattern", "format")
_NUMBER_KEYWORDS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
)
_KEYWORDS_BY_TYPE = {
    "object": _OBJECT_KEYWORDS,
    "array": _ARRAY_KEYWORDS,
    "string": _STRING_KEYWORDS,
    "number": _NUMBER_KEYWORDS,
}
_COMBINATIONS = ("$ref", "allOf", "anyOf", "oneOf")
_NEVER_ENFORCED = (
    "not",
    "if",
    "uniqueItems",
    "contains",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
)
_ASSERTIONS = frozenset(
    {
        "type",
        "enum",
        "const",
        *_OBJECT_KEYWORDS,
        *_ARRAY_KEYWORDS,
        *_STRING_KEYWORDS,
        *_NUMBER_KEYWORDS,
        *_COMBINATIONS,
        *_NEVER_ENFORCED,
    }
)
# Values of a keyword that ask for nothing.
_HARMLESS: Mapping[str, tuple[object, ...]] = {"uniqueItems": (False,), "minProperties": (0,)}
_LARGER = frozenset({"minLength", "minItems", "minimum", "exclusiveMinimum"})
_SMALLER = frozenset({"maxLength", "maxItems", "maximum", "exclusiveMaximum"})
# Definitions come in the order in which they are met, so that few rounds suffice.
_MAX_ROUNDS = 64

# Regular expressions that every engine reads alike: literals, classes, groups and repetitions.
_PATTERN_PART = (
    r"\\[dDwWsS]|\\[^\w\s]|\[\^?(?:\\[dws]|\\[^\w\s]|[^\[\]\\&|~])+\]|\((?:\?:|(?!\?))|[|.)]"
    r"|[*+?](?![*+?])|\{\d{1,2}(?:,\d{0,2})?\}(?![*+?{])|[^\\\[\](){}*+?|.^$]"
)
_MAX_PATTERN_LENGTH = 1000
_MAX_BOUND = 10**12
_MAX_DECIMALS = 6
_PORTABLE_PATTERN = re.compile(rf"\^?(?:{_PATTERN_PART})+\$?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a format enforces of JSON Schema beyond what all enforce.

    Attributes:
        keywords: Further keywords.
        formats: The names of formats.
        max_length: The largest length and number of items.
    """

    keywords: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    max_length: int = MAX_ENFORCED_LENGTH


# Of EBNF and GBNF, whose rules are in `json_rules`.
RULES_DIALECT = Dialect()


class UnfitSchemaError(ValueError):
    """A schema that nothing fits, or that cannot be understood. The message is fit to show."""


def read_schema(
    document: object, dialect: Dialect, budget: Budget, path: str, *, open_objects: bool
) -> JsonShape:
    """Reads a JSON Schema.

    Args:
        document: The schema, in Python values.
        dialect: What the format enforces.
        budget: Counts the parts, and collects the notices.
        path: The path of the field that has the schema, for notices.
        open_objects: Whether an object with `properties` may have others, if the schema does not
            say.

    Raises:
        UnfitSchemaError: Nothing fits the schema, or it cannot be understood.
        ConstraintLimitError: It has too many parts.
    """
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise UnfitSchemaError("is not JSON") from None
    reader = _Reader(document, dialect, budget, path, open_objects)
    shape = reader.read(document, "")
    # References only name a definition, which is read here: chains of them are no recursion.
    while reader.unread:
        name, target, pointer = reader.unread.pop()
        reader.definitions[name] = reader.read(target, pointer)
    return _without_unfit(shape, reader.definitions)


@dataclass(slots=True)
class _Reader:
    document: object
    dialect: Dialect
    budget: Budget
    path: str
    open_objects: bool
    definitions: dict[str, Shape] = field(default_factory=dict)
    unread: list[tuple[str, object, str]] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    _depth: int = 0
    # Merged schemas share parts with the schema as written, where each has its place.
    _pointers: dict[int, str] = field(default_factory=dict)
    _merged: list[object] = field(default_factory=list)

    def read(self, schema: object, pointer: str) -> Shape:
        """Reads a part of the document."""
        self.budget.spend_nodes()
        if isinstance(schema, bool):
            return ANY_VALUE if schema else NEVER
        if not isinstance(schema, dict):
            raise UnfitSchemaError("has a part that is no schema")
        if self._depth > MAX_JSON_DEPTH:
            raise UnfitSchemaError("is nested too deeply")
        self._depth += 1
        pointer = self._pointers.get(id(schema), pointer)
        schema = self._enforced(schema, pointer)
        if any(keyword in schema for keyword in _COMBINATIONS):
            shape = self._read_combined(schema, pointer)
        else:
            shape = self._read_plain(schema, pointer)
        self._depth -= 1
        return shape

    def _notify(
        self, keyword: str, pointer: str, reason: NoticeReason = NoticeReason.KEYWORD_NOT_ENFORCED
    ) -> None:
        self.budget.notify(reason, self.path, f"{pointer}/{_escaped(keyword)}", keyword)

    def _enforced(self, schema: dict[str, object], pointer: str) -> dict[str, object]:
        """Returns the assertions of a schema that can be enforced, with a notice for others."""
        self.budget.spend_nodes(len(schema))
        enforced = {}
        for keyword, value in schema.items():
            if keyword not in _ASSERTIONS or value in _HARMLESS.get(keyword, ()):
                continue
            if not self._is_enforced(keyword, value):
                self._notify(keyword, pointer)
                continue
            if keyword in ("minLength", "maxLength", "minItems", "maxItems"):
                length = _as_length(value)
                if length is None:
                    self._notify(keyword, pointer)
                    continue
                if length > self.dialect.max_length:
                    self._notify(keyword, pointer, NoticeReason.LENGTH_NOT_ENFORCED)
                    continue
                value = length
            enforced[keyword] = value
        if "pattern" in enforced or "format" in enforced:
            # Together they may fit nothing, which only the engine would find out.
            for keyword in ("minLength", "maxLength", "format"):
                if keyword in enforced and (keyword != "format" or "pattern" in enforced):
                    del enforced[keyword]
                    self._notify(keyword, pointer)
        return enforced

    def _is_enforced(self, keyword: str, value: object) -> bool:
        if keyword in _NEVER_ENFORCED:
            return False
        if keyword not in ("pattern", "format", *_NUMBER_KEYWORDS):
            return True
        if keyword not in self.dialect.keywords:
            return False
        if keyword == "format":
            return isinstance(value, str) and value in self.dialect.formats
        if keyword == "pattern":
            return isinstance(value, str) and is_portable_pattern(value)
        return _is_plain_number(value) and (keyword != "multipleOf" or value > 0)  # type: ignore[operator]

    # Combinations

    def _read_combined(self, schema: dict[str, object], pointer: str) -> Shape:
        keywords = [keyword for keyword in _COMBINATIONS if keyword in schema]
        if keywords == ["$ref"] and len(schema) == 1:
            return self._refer(schema["$ref"], pointer)
        base: dict[str, object] = {
            keyword: value for keyword, value in schema.items() if keyword not in _COMBINATIONS
        }
        self._place_parts(base, pointer)
        for keyword in ("$ref", "allOf"):
            if keyword in schema:
                for part, place in self._conjuncts(keyword, schema[keyword], pointer):
                    merged = self._merge(base, part, place)
                    if merged is None:
                        self._notify(keyword, pointer)
                        break
                    base = merged
        alternatives = [keyword for keyword in ("anyOf", "oneOf") if keyword in schema]
        if not alternatives:
            return self._read_merged(base, pointer)
        for keyword in alternatives[1:] if not base.keys() & {"anyOf", "oneOf"} else alternatives:
            self._notify(keyword, pointer)
        if base.keys() & {"anyOf", "oneOf"}:
            return self._read_merged(base, pointer)
        return self._read_alternatives(alternatives[0], schema, base, pointer)

    def _read_alternatives(
        self, keyword: str, schema: dict[str, object], base: dict[str, object], pointer: str
    ) -> Shape:
        options = schema[keyword]
        if not isinstance(options, list) or not options:
            raise UnfitSchemaError(f"has {keyword} without a schema")
        if not base:
            shapes = [
                self.read(option, f"{pointer}/{keyword}/{index}")
                for index, option in enumerate(options)
            ]
        else:
            shapes = []
            for index, option in enumerate(options):
                place = f"{pointer}/{keyword}/{index}"
                resolved, place = self._resolved(option, place)
                merged = self._merge(base, resolved, place)
                if merged is None:
                    self._notify(keyword, pointer)
                    return self._read_merged(base, pointer)
                shapes.append(self._read_merged(merged, place))
        if keyword == "oneOf" and len(options) > 1:
            self._notify(keyword, pointer, NoticeReason.ONE_OF_AS_ANY_OF)
        return AnyOf(tuple(shapes))

    def _read_merged(self, schema: dict[str, object], pointer: str) -> Shape:
        self._merged.append(schema)
        if "$ref" in schema and len(schema) > 1:
            # A reference that comes in by another one: merging on would not end if it is circular.
            self._notify("$ref", pointer)
            schema = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        return self.read(schema, pointer)

    def _conjuncts(self, keyword: str, value: object, pointer: str) -> Iterator[tuple[object, str]]:
        if keyword == "$ref":
            yield self._resolved({"$ref": value}, pointer)
        elif not isinstance(value, list) or not value:
            raise UnfitSchemaError("has allOf without a schema")
        else:
            for index, part in enumerate(value):
                yield self._resolved(part, f"{pointer}/allOf/{index}")

    def _resolved(self, schema: object, pointer: str) -> tuple[object, str]:
        """Returns a schema, or what it refers to if it is nothing but a reference."""
        self.budget.spend_nodes()
        for _ in range(MAX_JSON_DEPTH):
            if isinstance(schema, dict):
                self.budget.spend_nodes(len(schema))
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            if any(keyword in _ASSERTIONS for keyword in schema if keyword != "$ref"):
                break
            reference = schema["$ref"]
            if not reference.startswith("#"):
                break
            schema, pointer = self._target(reference), reference[1:]
        return schema, pointer

    def _merge(
        self, base: dict[str, object], part: object, pointer: str
    ) -> dict[str, object] | None:
        """Returns the schema that demands both, or None if that cannot be written down."""
        if part is True:
            return base
        if part is False:
            return {"enum": []}
        if not isinstance(part, dict):
            raise UnfitSchemaError("has a part that is no schema")
        part = self._enforced(part, pointer)
        self.budget.spend_nodes(len(part))
        self._place_parts(part, pointer)
        if _adds_to_closed(base, part) or _adds_to_closed(part, base):
            return None
        merged = dict(base)
        for keyword, value in part.items():
            if keyword not in merged:
                merged[keyword] = value
                continue
            combined = self._merge_values(keyword, merged[keyword], value)
            if combined is None:
                return None
            merged[keyword] = combined
        return merged

    def _merge_values(self, keyword: str, one: object, other: object) -> object | None:
        if isinstance(one, dict | list) and isinstance(other, dict | list):
            self.budget.spend_nodes(len(one) + len(other))
        if _is_same(one, other):
            return one
        if keyword in _LARGER | _SMALLER:
            pick: Callable[[Iterable[float]], float] = max if keyword in _LARGER else min
            return pick([one, other])  # type: ignore[list-item]
        if keyword == "required" and isinstance(one, list) and isinstance(other, list):
            # Repeated names do no harm.
            return [*one, *other]
        if keyword == "type":
            return _common_types(_as_list(one), _as_list(other))
        if keyword == "properties" and isinstance(one, dict) and isinstance(other, dict):
            merged = dict(one)
            for name, schema in other.items():
                if name not in one or _is_same(one[name], schema):
                    merged[name] = schema
                else:
                    merged[name] = {"allOf": [one[name], schema]}
            return merged
        return None

    def _place_parts(self, schema: dict[str, object], pointer: str) -> None:
        """Remembers where the parts of a schema are written."""
        for keyword, value in schema.items():
            place = f"{pointer}/{keyword}"
            if keyword == "properties" and isinstance(value, dict):
                for name, part in value.items():
                    self._pointers.setdefault(id(part), f"{place}/{_escaped(str(name))}")
            elif isinstance(value, dict):
                self._pointers.setdefault(id(value), place)
            elif isinstance(value, list) and keyword in ("prefixItems", "items"):
                for index, part in enumerate(value):
                    self._pointers.setdefault(id(part), f"{place}/{index}")

    # References

    def _refer(self, reference: object, pointer: str) -> Shape:
        if not isinstance(reference, str):
            raise UnfitSchemaError("has a $ref that is no text")
        if not reference.startswith("#"):
            self._notify("$ref", pointer)
            return ANY_VALUE
        name = self._names.get(reference)
        if name is None:
            name = self._names[reference] = f"d{len(self._names)}"
            self.unread.append((name, self._target(reference), reference[1:]))
        return Reference(name)

    def _target(self, reference: str) -> object:
        """Returns the part of the document that a local reference names."""
        target = self.document
        pointer = urllib.parse.unquote(reference[1:])
        if pointer and not pointer.startswith("/"):
            raise UnfitSchemaError("has a $ref to nowhere")
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(key)] if isinstance(target, list) else target[key]  # type: ignore[index]
            except (KeyError, IndexError, TypeError, ValueError):
                raise UnfitSchemaError("has a $ref to nowhere") from None
        return target

    # Assertions

    def _read_plain(self, schema: dict[str, object], pointer: str) -> Shape:
        if "enum" in schema or "const" in schema:
            return self._read_constants(schema, pointer)
        if "type" in schema:
            types = _as_list(schema["type"])
        else:
            # Without a type, the keywords tell which one is meant.
            types = [
                name
                for name, keywords in _KEYWORDS_BY_TYPE.items()
                if any(keyword in schema for keyword in keywords)
            ]
            if not types:
                return ANY_VALUE
        if "number" in types:
            types = [name for name in types if name != "integer"]
        shapes = tuple(self._read_type(name, schema, pointer) for name in types)
        if not shapes:
            return NEVER
        return shapes[0] if len(shapes) == 1 else AnyOf(shapes)

    def _read_type(self, name: object, schema: dict[str, object], pointer: str) -> Shape:
        match name:
            case "object":
                return self._read_object(schema, pointer)
            case "array":
                return self._read_array(schema, pointer)
            case "string":
                return _read_string(schema)
            case "number" | "integer":
                return _read_number(schema, is_integer=name == "integer")
            case "boolean":
                return Constants((True, False))
            case "null":
                return Constants((None,))
        raise UnfitSchemaError("has an unknown type")

    def _read_constants(self, schema: dict[str, object], pointer: str) -> Shape:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        if not isinstance(values, list):
            raise UnfitSchemaError("has an enum that is no list")
        self.budget.spend_nodes(sum(map(_count_parts, values)))
        if "enum" in schema and "const" in schema:
            wanted = json.dumps(schema["const"])
            values = [value for value in values if json.dumps(value) == wanted]
        if "type" in schema:
            types = _as_list(schema["type"])
            values = [value for value in values if _has_type(value, types)]
        lowest = schema.get("minLength", 0)
        highest = schema.get("maxLength", math.inf)
        values = [
            value
            for value in values
            if not isinstance(value, str) or lowest <= len(value) <= highest  # type: ignore[operator]
        ]
        for keyword in schema:
            if keyword not in ("enum", "const", "type", "minLength", "maxLength"):
                self._notify(keyword, pointer)
        for value in values:
            _check_text(value)
        unique = {json.dumps(value): value for value in values}
        return Constants(tuple(unique.values())) if unique else NEVER

    def _read_object(self, schema: dict[str, object], pointer: str) -> Shape:
        written = schema.get("properties", {})
        if not isinstance(written, dict):
            raise UnfitSchemaError("has properties that are no object")
        properties: dict[str, Shape] = {}
        for name, part in written.items():
            _check_text(name)
            properties[name] = self.read(part, f"{pointer}/properties/{_escaped(name)}")
        required = schema.get("required", [])
        if not isinstance(required, list):
            self._notify("required", pointer)
            required = []
        others = schema.get("additionalProperties")
        undeclared: Shape = ANY_VALUE
        additional: Shape | None = ANY_VALUE
        if others is None:
            if "properties" in schema and not self.open_objects:
                additional = None
        else:
            undeclared = self.read(others, f"{pointer}/additionalProperties")
            additional = None if undeclared is NEVER else undeclared
        for name in required:
            if not isinstance(name, str):
                raise UnfitSchemaError("has a required name that is no text")
            _check_text(name)
            self.budget.spend_nodes()
            properties.setdefault(name, undeclared)
        return Object(properties, frozenset(required), additional)

    def _read_array(self, schema: dict[str, object], pointer: str) -> Shape:
        prefix_keyword, items_keyword = "prefixItems", "items"
        if isinstance(schema.get("items"), list):
            # As until draft 2019-09.
            prefix_keyword, items_keyword = "items", "additionalItems"
        prefix = schema.get(prefix_keyword, [])
        if not isinstance(prefix, list):
            raise UnfitSchemaError("has prefixItems that are no list")
        shapes = tuple(
            self.read(part, f"{pointer}/{prefix_keyword}/{index}")
            for index, part in enumerate(prefix)
        )
        items: Shape | None = ANY_VALUE
        if items_keyword in schema:
            items = self.read(schema[items_keyword], f"{pointer}/{items_keyword}")
        minimum, maximum = schema.get("minItems", 0), schema.get("maxItems")
        assert isinstance(minimum, int)
        assert isinstance(maximum, int | None)
        return _bounded_array(shapes, items, minimum, maximum)


def is_portable_pattern(pattern: str) -> bool:
    """Returns whether every engine reads a regular expression alike."""
    if len(pattern) > _MAX_PATTERN_LENGTH or _PORTABLE_PATTERN.fullmatch(pattern) is None:
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _read_string(schema: Mapping[str, object]) -> Shape:
    minimum, maximum = schema.get("minLength", 0), schema.get("maxLength")
    pattern, format_name = schema.get("pattern"), schema.get("format")
    assert isinstance(minimum, int)
    assert isinstance(maximum, int | None)
    assert isinstance(pattern, str | None)
    assert isinstance(format_name, str | None)
    if maximum is not None and maximum < minimum:
        return NEVER
    return String(minimum, maximum, pattern, format_name)


def _read_number(schema: Mapping[str, object], *, is_integer: bool) -> Shape:
    bounds = {keyword: schema[keyword] for keyword in _NUMBER_KEYWORDS if keyword in schema}
    number = Number(is_integer, bounds)  # type: ignore[arg-type]
    return number if _has_room(number) else NEVER


def _has_room(number: Number) -> bool:
    """Returns whether some number is between the bounds."""
    low, high = number.lowest, number.highest
    if low is None or high is None:
        return True
    step = number.bounds.get("multipleOf", 1 if number.integer else None)
    if step is None:
        exclusive = {"exclusiveMinimum", "exclusiveMaximum"} & number.bounds.keys()
        return low < high or (low == high and not exclusive)
    exact = Fraction(step)
    first = math.ceil(low / exact) * exact
    if first == low and "exclusiveMinimum" in number.bounds:
        first += exact
    return first < high or (first == high and "exclusiveMaximum" not in number.bounds)


def _bounded_array(
    prefix: tuple[Shape, ...], items: Shape | None, minimum: int, maximum: int | None
) -> Shape:
    """Returns an array, in which nothing is left that cannot occur."""
    for index, shape in enumerate(prefix):
        if shape is NEVER:
            prefix, items = prefix[:index], None
            break
    if items is NEVER:
        items = None
    if maximum is not None and maximum <= len(prefix):
        prefix, items = prefix[:maximum], None
    if items is None:
        maximum = len(prefix)
    if maximum is not None and maximum < minimum:
        return NEVER
    return Array(prefix, items, minimum, maximum)


def _is_same(one: object, other: object) -> bool:
    # Alone, True would equal 1.
    return type(one) is type(other) and one == other


def _as_length(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return int(value) if value == int(value) else None


def _is_plain_number(value: object) -> bool:
    """Returns whether a number is small and has few decimals: llguidance refuses others."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _MAX_BOUND and round(value, _MAX_DECIMALS) == value


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _common_types(one: list[object], other: list[object]) -> list[object]:
    common = [name for name in one if name in other]
    if "integer" not in common and (
        ("integer" in one and "number" in other) or ("number" in one and "integer" in other)
    ):
        common.append("integer")
    return common


def _has_type(value: object, types: list[object]) -> bool:
    match value:
        case bool():
            return "boolean" in types
        case None:
            return "null" in types
        case str():
            return "string" in types
        case int() | float():
            return "number" in types or ("integer" in types and value == int(value))
        case list():
            return "array" in types
    return "object" in types


def _count_parts(value: object) -> int:
    count, level = 0, [value]
    while level:
        count += len(level)
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return count


def _check_text(value: object) -> None:
    """Checks that every text in a value can be written in UTF-8, and every name is one."""
    try:
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, dict | list):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnfitSchemaError("has a lone surrogate") from None


def _adds_to_closed(closed: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Returns whether `other` declares properties that `closed` knows only as further ones."""
    if closed.get("additionalProperties", True) is True:
        return False
    properties, others = closed.get("properties", {}), other.get("properties", {})
    if not isinstance(properties, dict) or not isinstance(others, dict):
        return True
    return bool(others.keys() - properties.keys())


def _escaped(name: str) -> str:
    """Writes a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


# What fits nothing


def _without_unfit(shape: Shape, definitions: dict[str, Shape]) -> JsonShape:
    """Takes out the parts that nothing finite fits, which would trap a sampler.

    Raises:
        UnfitSchemaError: Nothing fits the shape.
    """
    _check_progress(definitions)
    fit: set[str] = set()
    for _ in range(_MAX_ROUNDS):
        before = len(fit)
        for name in reversed(definitions):
            if name not in fit and _pruned(definitions[name], fit) is not NEVER:
                fit.add(name)
        if len(fit) == before:
            break
    else:
        raise UnfitSchemaError("has too many circular references")
    pruned = _pruned(shape, fit)
    if pruned is NEVER:
        raise UnfitSchemaError("fits nothing")
    return JsonShape(
        pruned, {name: _pruned(part, fit) for name, part in definitions.items() if name in fit}
    )


def _check_progress(definitions: Mapping[str, Shape]) -> None:
    """Raises UnfitSchemaError if a definition refers to itself without a container between."""
    done: set[str] = set()
    for start in definitions:
        path: dict[str, Iterator[str]] = {}
        name: str | None = start
        while name is not None:
            if name in path:
                raise UnfitSchemaError("has a $ref to itself")
            if name not in done:
                path[name] = _open_references(definitions[name])
            name = None
            while path and name is None:
                last = next(reversed(path))
                name = next((at for at in path[last] if at not in done), None)
                if name is None:
                    done.add(last)
                    del path[last]


def _open_references(shape: Shape) -> Iterator[str]:
    if isinstance(shape, Reference):
        yield shape.name
    elif isinstance(shape, AnyOf):
        for option in shape.options:
            yield from _open_references(option)


def _pruned(shape: Shape, fit: set[str]) -> Shape:
    """Returns a shape without the parts that nothing fits, or NEVER; `fit` names definitions."""
    match shape:
        case Reference():
            return shape if shape.name in fit else NEVER
        case AnyOf():
            pruned = [_pruned(option, fit) for option in shape.options]
            options = tuple(option for option in pruned if option is not NEVER)
            if not options:
                return NEVER
            return options[0] if len(options) == 1 else AnyOf(options)
        case Object():
            properties = {name: _pruned(part, fit) for name, part in shape.properties.items()}
            if any(properties[name] is NEVER for name in shape.required):
                return NEVER
            additional = shape.additional and _pruned(shape.additional, fit)
            return Object(properties, shape.required, None if additional is NEVER else additional)
        case Array():
            prefix = tuple(_pruned(part, fit) for part in shape.prefix)
            items = shape.items and _pruned(shape.items, fit)
            return _bounded_array(prefix, items, shape.minimum, shape.maximum)
    return shape
