"""JSON Schema to the TypeScript-like types in the prompts of gpt-oss models.

The layout is the reference's, with its oddities; tests/core/test_typescript.py pins each rule.
"""

from collections.abc import Iterator
from typing import Any

from . import json_text

_SIMPLE_TYPES = {"number": "number", "integer": "number", "boolean": "boolean"}


def schema_to_type(schema: Any, indent: str = "") -> str:
    """Returns the type of a schema.

    Args:
        schema: A JSON value, as `json_text.load` returns it.
        indent: The indent of every line but the first.
    """
    if not isinstance(schema, dict):
        return "any"
    variants = schema.get("oneOf")
    if isinstance(variants, list):
        return "".join(_union_member(variant, indent) for variant in variants)
    kind = schema.get("type")
    if isinstance(kind, list):
        names = [name for name in kind if isinstance(name, str)]
        if names:
            return " | ".join("number" if name == "integer" else name for name in names)
    if not isinstance(kind, str):
        return "any"
    if kind == "object":
        return _object_type(schema, indent)
    if kind == "string":
        members = [value for value in _get_list(schema, "enum") if isinstance(value, str)]
        return " | ".join(f'"{member}"' for member in members) or "string"
    if kind == "array":
        return f"{schema_to_type(schema['items'], indent)}[]" if "items" in schema else "Array<any>"
    return _SIMPLE_TYPES.get(kind, "any")


def _union_member(variant: Any, indent: str) -> str:
    comments = [*_get_text(variant, "description"), *_default(variant)]
    return f"\n{indent} | {_nullable_type(variant, f'{indent}   ')}{_trailing(comments)}"


def _object_type(schema: dict[str, Any], indent: str) -> str:
    comment = "".join(f"{indent}// {text}\n" for text in _get_text(schema, "description"))
    properties = schema.get("properties")
    lines: list[str] = []
    if isinstance(properties, dict):
        required = {name for name in _get_list(schema, "required") if isinstance(name, str)}
        for name, value in properties.items():
            label = name if name in required else f"{name}?"
            lines += _property(label, value, indent)
    body = "".join(f"{indent}{line}\n" for line in lines)
    return f"{comment}{{\n{body}{indent}}}"


def _property(label: str, schema: Any, indent: str) -> Iterator[str]:
    """Yields the lines of a property, without their indent."""
    for title in _get_text(schema, "title"):
        yield f"// {title}"
        yield "//"
    is_union = isinstance(schema, dict) and "oneOf" in schema
    descriptions = list(_get_text(schema, "description"))
    if not is_union:
        yield from (f"// {text}" for text in descriptions)
    examples = _get_list(schema, "examples")
    if examples:
        yield "// Examples:"
        yield from (f'// - "{example}"' for example in examples if isinstance(example, str))
    if is_union and isinstance(schema["oneOf"], list):
        yield from _union_property(label, schema, descriptions, indent)
        return
    default = [] if is_union else list(_property_default(schema))
    yield f"{label}: {_nullable_type(schema, f'{indent}    ')},{_trailing(default)}"


def _union_property(
    label: str, schema: dict[str, Any], descriptions: list[str], indent: str
) -> Iterator[str]:
    variants = schema["oneOf"]
    # If the first variant repeats the description, neither is shown.
    repeated = bool(variants) and descriptions == list(_get_text(variants[0], "description"))
    above = [] if repeated else descriptions
    yield from (f"// {text}" for text in [*above, *_property_default(schema)])
    yield f"{label}:"
    for index, variant in enumerate(variants):
        comments = [] if index == 0 and above else list(_get_text(variant, "description"))
        if comments == descriptions:
            comments = []
        comments += _property_default(variant)
        yield f" | {_nullable_type(variant, f'{indent}   ')}{_trailing(comments)}"
    yield ","


def _nullable_type(schema: Any, indent: str) -> str:
    text = schema_to_type(schema, indent)
    nullable = isinstance(schema, dict) and schema.get("nullable") is True
    return f"{text} | null" if nullable and "null" not in text else text


def _property_default(schema: Any) -> Iterator[str]:
    """Like `_default`, but without quotes around the default of an enum."""
    default = schema.get("default") if isinstance(schema, dict) else None
    if isinstance(default, str) and _get_list(schema, "enum"):
        yield f"default: {default}"
    else:
        yield from _default(schema)


def _default(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict) or "default" not in schema:
        return
    default = schema["default"]
    if isinstance(default, str) and not _get_list(schema, "enum"):
        yield f'default: "{default}"'  # not escaped, unlike JSON
    else:
        yield f"default: {json_text.dump(default)}"


def _trailing(comments: list[str]) -> str:
    return f" // {' '.join(comments)}" if comments else ""


def _get_text(schema: Any, key: str) -> Iterator[str]:
    """Yields the member if it is a string."""
    value = schema.get(key) if isinstance(schema, dict) else None
    if isinstance(value, str):
        yield value


def _get_list(schema: Any, key: str) -> list[Any]:
    value = schema.get(key) if isinstance(schema, dict) else None
    return value if isinstance(value, list) else []
