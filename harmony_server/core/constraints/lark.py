"""Prints a turn in llguidance's variant of Lark."""

import json

from .options import Budget
from .schema import Dialect
from .shapes import (
    NEVER,
    AnyOf,
    AnyValue,
    Array,
    Constants,
    JsonShape,
    Number,
    Object,
    Reference,
    Shape,
    String,
)
from .tree import Choice, Json, Literal, Name, Node, Repeat, Sequence, Special, Text

# What llguidance enforces beyond what all formats do. A keyword or a value that it does not know
# makes it refuse the whole grammar.
LARK_DIALECT = Dialect(
    keywords=frozenset(
        {
            "pattern",
            "format",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        }
    ),
    formats=frozenset(
        {
            "date-time",
            "time",
            "date",
            "duration",
            "email",
            "hostname",
            "ipv4",
            "ipv6",
            "uuid",
            "uri",
        }
    ),
    max_length=1000,
)


# llguidance reads JSON no deeper than 127 levels, and refuses the whole grammar otherwise.
MAX_NESTING = 120


def is_too_deep(json_shape: JsonShape) -> bool:
    """Returns whether llguidance would refuse a schema for its nesting."""
    return max(map(_nesting, (json_shape.shape, *json_shape.definitions.values()))) > MAX_NESTING


def print_lark(turn: Node, budget: Budget, *, max_whitespace: int) -> str:
    """Returns a turn as Lark for llguidance.

    Args:
        turn: The turn.
        budget: Counts the bytes.
        max_whitespace: The most white-space characters between two parts of a JSON value.

    Raises:
        ConstraintLimitError: It is too large.
    """
    return _Printer(budget, max_whitespace).print_grammar(turn)


class _Printer:
    def __init__(self, budget: Budget, max_whitespace: int) -> None:
        self._budget = budget
        self._max_whitespace = max_whitespace
        self._names: dict[str, str] = {}
        self._lines: list[str] = []
        self._printed: dict[int, str] = {}

    def print_grammar(self, turn: Node) -> str:
        """Returns the grammar of a turn."""
        start = f"start: {self._print(turn)}\n"
        self._budget.spend_bytes(len(start))
        return start + "".join(self._lines)

    def _add(self, body: str) -> str:
        name = self._names.get(body)
        if name is None:
            name = self._names[body] = f"r{len(self._lines)}"
            line = f"{name}: {body}\n"
            self._budget.spend_bytes(len(line))
            self._lines.append(line)
        return name

    def _print(self, node: Node) -> str:
        match node:
            case Special():
                return f"<[{node.token}]>"
            case Literal():
                return json.dumps(node.text)
            case Name():
                return "/[A-Za-z0-9_.\\-]" + ("+/" if node.minimum else "*/")
            case Sequence():
                return " ".join(map(self._print, node.parts))
        # Printed once; the tree keeps the node, and so its identity.
        printed = self._printed.get(id(node))
        if printed is None:
            printed = self._printed[id(node)] = self._add(self._print_rule(node))
        return printed

    def _print_rule(self, node: Text | Json | Choice | Repeat) -> str:
        match node:
            case Text():
                # No special token matches a regular expression.
                return "/(.|\\n)*/"
            case Json():
                return f"%json {self._print_schema(node.shape)}"
            case Choice():
                return " | ".join(map(self._print, node.options))
            case Repeat():
                return f"{self._add(self._print(node.node))}{{{node.minimum},{node.maximum}}}"

    def _print_schema(self, json_shape: JsonShape) -> str:
        schema = _as_schema(json_shape.shape)
        # A schema that is nothing but a reference could not have definitions beside it.
        if "$ref" in schema:
            schema = {"anyOf": [schema]}
        if json_shape.definitions:
            schema["$defs"] = {
                name: _as_schema(shape) for name, shape in json_shape.definitions.items()
            }
        schema["x-guidance"] = {
            "whitespace_pattern": f"[ \\n\\r\\t]{{0,{self._max_whitespace}}}",
        }
        return json.dumps(schema)


def _as_schema(shape: Shape) -> dict[str, object]:
    """Writes a shape as a JSON Schema again, with nothing left to a default."""
    match shape:
        case AnyValue():
            return {}
        case Constants():
            return {"enum": list(shape.values)}
        case AnyOf():
            return {"anyOf": list(map(_as_schema, shape.options))}
        case Reference():
            return {"$ref": f"#/$defs/{shape.name}"}
        case Object():
            return {
                "type": "object",
                "properties": {
                    name: _as_schema_or_false(part) for name, part in shape.properties.items()
                },
                "required": [name for name in shape.properties if name in shape.required],
                "additionalProperties": (
                    False if shape.additional is None else _as_schema(shape.additional)
                ),
            }
        case Array():
            return _without_none(
                {
                    "type": "array",
                    "prefixItems": list(map(_as_schema, shape.prefix)),
                    "items": False if shape.items is None else _as_schema(shape.items),
                    "minItems": shape.minimum,
                    "maxItems": shape.maximum,
                }
            )
        case String():
            return _without_none(
                {
                    "type": "string",
                    "minLength": shape.minimum or None,
                    "maxLength": shape.maximum,
                    "pattern": shape.pattern,
                    "format": shape.format,
                }
            )
        case Number():
            return {"type": "integer" if shape.integer else "number", **shape.bounds}


def _nesting(shape: Shape) -> int:
    """Returns how deeply a schema is nested when it is written, at most."""
    match shape:
        case Constants():
            return 2 + max(map(_nesting_of_value, shape.values), default=0)
        case AnyOf():
            return 2 + max(map(_nesting, shape.options))
        case Object():
            parts = [*shape.properties.values(), shape.additional or NEVER]
            return 2 + max(map(_nesting, parts))
        case Array():
            return 2 + max(map(_nesting, (*shape.prefix, shape.items or NEVER)))
    return 1


def _nesting_of_value(value: object) -> int:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return 1 + max(map(_nesting_of_value, parts), default=0)
    return 0


def _as_schema_or_false(shape: Shape) -> object:
    return False if isinstance(shape, Constants) and not shape.values else _as_schema(shape)


def _without_none(schema: dict[str, object]) -> dict[str, object]:
    return {keyword: value for keyword, value in schema.items() if value is not None}
