"""JSON Schema to the TypeScript-like types in the prompts of gpt-oss models.

The layout is the reference's, with its oddities; tests/core/test_typescript.py pins each rule.
"""

from collections.abc import Callable, Iterable
from typing import Any

from . import json_text
from .bounds import MAX_TYPE_CHARACTERS

Watch = Callable[[int], object]
"""Called with the length of text, in characters, before that much is written; may raise."""

_SIMPLE_TYPES = {"number": "number", "integer": "number", "boolean": "boolean"}
# Watching each piece would cost more than writing it.
_WATCHED_CHARACTERS = 4096


class TypeTooLongError(ValueError):
    """A schema becomes a type of more than MAX_TYPE_CHARACTERS. The message is fit to show."""


def schema_to_type(schema: Any, watch: Watch | None = None) -> str:
    """Returns the type of a schema, in time and memory that are linear in its length.

    Args:
        schema: A JSON value, as `json_text.load` returns it.
        watch: Sees the type grow; what it raises ends the work.

    Raises:
        TypeTooLongError: The type would be longer than MAX_TYPE_CHARACTERS.
    """
    writer = _Writer(watch)
    writer.write_type(schema, "")
    return writer.finish()


class _Writer:
    """Writes a type piece by piece, because joining the text of each level again is quadratic."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._pieces: list[str] = []
        self._length = 0
        self._watched = 0
        self._next_check = _WATCHED_CHARACTERS
        # Where the latest "null" begins; -1: nowhere.
        self._latest_null = -1

    def finish(self) -> str:
        """Returns the text."""
        self._report()
        return "".join(self._pieces)

    def write_type(self, schema: Any, indent: str) -> None:
        """Writes the type of a schema; `indent` is that of every line but the first."""
        if not isinstance(schema, dict):
            self._write("any")
            return
        variants = schema.get("oneOf")
        if isinstance(variants, list):
            for variant in variants:
                self._write_union_member(variant, indent)
            return
        kind = schema.get("type")
        if isinstance(kind, list):
            names = [name for name in kind if isinstance(name, str)]
            if names:
                self._write_joined("number" if name == "integer" else name for name in names)
                return
        if kind == "object":
            self._write_object(schema, indent)
        elif kind == "string":
            self._write_string(schema)
        elif kind == "array":
            self._write_array(schema, indent)
        else:
            self._write(_SIMPLE_TYPES.get(kind, "any") if isinstance(kind, str) else "any")

    def _write(self, text: str) -> None:
        begin = self._length
        self._length = end = begin + len(text)
        if end > self._next_check:
            self._check()
        # Nothing is written in two parts of a word, so none makes a "null" with the next.
        if "null" in text:
            self._latest_null = begin + text.rindex("null")
        self._pieces.append(text)

    def _check(self) -> None:
        if self._length > MAX_TYPE_CHARACTERS:
            raise TypeTooLongError(f"becomes a type of more than {MAX_TYPE_CHARACTERS} characters")
        self._report()
        self._next_check = min(self._length + _WATCHED_CHARACTERS, MAX_TYPE_CHARACTERS)

    def _report(self) -> None:
        if self._watch is not None:
            self._watch(self._length - self._watched)
        self._watched = self._length

    def _write_joined(self, names: Iterable[str]) -> None:
        separator = ""
        for name in names:
            self._write(f"{separator}{name}")
            separator = " | "

    def _write_string(self, schema: dict[str, Any]) -> None:
        members = [value for value in _get_list(schema, "enum") if isinstance(value, str)]
        if members:
            self._write_joined(f'"{member}"' for member in members)
        else:
            self._write("string")

    def _write_array(self, schema: dict[str, Any], indent: str) -> None:
        if "items" in schema:
            self.write_type(schema["items"], indent)
            self._write("[]")
        else:
            self._write("Array<any>")

    def _write_union_member(self, variant: Any, indent: str) -> None:
        self._write(f"\n{indent} | ")
        self._write_nullable(variant, f"{indent}   ")
        self._write(_trailing([*_get_text(variant, "description"), *_default(variant)]))

    def _write_object(self, schema: dict[str, Any], indent: str) -> None:
        for text in _get_text(schema, "description"):
            self._write(f"{indent}// {text}\n")
        self._write("{\n")
        properties = schema.get("properties")
        if isinstance(properties, dict):
            required = {name for name in _get_list(schema, "required") if isinstance(name, str)}
            for name, value in properties.items():
                self._write_property(name if name in required else f"{name}?", value, indent)
        self._write(f"{indent}}}")

    def _write_property(self, label: str, schema: Any, indent: str) -> None:
        for title in _get_text(schema, "title"):
            self._write(f"{indent}// {title}\n{indent}//\n")
        is_union = isinstance(schema, dict) and "oneOf" in schema
        descriptions = _get_text(schema, "description")
        if not is_union:
            self._write_comments(descriptions, indent)
        examples = _get_list(schema, "examples")
        if examples:
            self._write(f"{indent}// Examples:\n")
            for example in examples:
                if isinstance(example, str):
                    self._write(f'{indent}// - "{example}"\n')
        if is_union and isinstance(schema["oneOf"], list):
            self._write_union_property(label, schema, descriptions, indent)
            return
        self._write(f"{indent}{label}: ")
        self._write_nullable(schema, f"{indent}    ")
        self._write(f",{'' if is_union else _trailing(_property_default(schema))}\n")

    def _write_union_property(
        self, label: str, schema: dict[str, Any], descriptions: list[str], indent: str
    ) -> None:
        variants = schema["oneOf"]
        # If the first variant repeats the description, neither is shown.
        repeated = bool(variants) and descriptions == _get_text(variants[0], "description")
        above = [] if repeated else descriptions
        self._write_comments([*above, *_property_default(schema)], indent)
        self._write(f"{indent}{label}:\n")
        for index, variant in enumerate(variants):
            comments = [] if index == 0 and above else _get_text(variant, "description")
            if comments == descriptions:
                comments = []
            self._write(f"{indent} | ")
            self._write_nullable(variant, f"{indent}   ")
            self._write(f"{_trailing([*comments, *_property_default(variant)])}\n")
        self._write(f"{indent},\n")

    def _write_comments(self, comments: list[str], indent: str) -> None:
        for comment in comments:
            self._write(f"{indent}// {comment}\n")

    def _write_nullable(self, schema: Any, indent: str) -> None:
        begin = self._length
        self.write_type(schema, indent)
        nullable = isinstance(schema, dict) and schema.get("nullable") is True
        # Any "null" in the text counts, also one in a comment.
        if nullable and self._latest_null < begin:
            self._write(" | null")


def _property_default(schema: Any) -> list[str]:
    """Like `_default`, but without quotes around the default of an enum."""
    default = schema.get("default") if isinstance(schema, dict) else None
    if isinstance(default, str) and _get_list(schema, "enum"):
        return [f"default: {default}"]
    return _default(schema)


def _default(schema: Any) -> list[str]:
    if not isinstance(schema, dict) or "default" not in schema:
        return []
    default = schema["default"]
    if isinstance(default, str) and not _get_list(schema, "enum"):
        return [f'default: "{default}"']  # not escaped, unlike JSON
    return [f"default: {json_text.dump(default)}"]


def _trailing(comments: list[str]) -> str:
    return f" // {' '.join(comments)}" if comments else ""


def _get_text(schema: Any, key: str) -> list[str]:
    """Returns the member if it is a string, in a list, or an empty list."""
    value = schema.get(key) if isinstance(schema, dict) else None
    return [value] if isinstance(value, str) else []


def _get_list(schema: Any, key: str) -> list[Any]:
    value = schema.get(key) if isinstance(schema, dict) else None
    return value if isinstance(value, list) else []
