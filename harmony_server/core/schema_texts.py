"""Finds texts of a schema that would leave their comment or string in the prompt's TypeScript.

Rendering writes them as they are, as the reference does. Check schemas of others before you render.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

# The line ends of TypeScript.
_LINE_END = re.compile("[\n\r\u2028\u2029]")
_LINE_END_OR_QUOTE = re.compile('[\n\r\u2028\u2029"]')


def find_escapes(schema: Any) -> Iterator[str]:
    """Yields the path of each text that would not stay in its comment, string or name.

    That is a text with a line end, or, where the prompt shows it in quotes, with a quote.

    Args:
        schema: A JSON Schema, as `json.loads` returns it, such as a tool's `parameters`.

    Yields:
        Paths such as `properties["a"].description`.
    """
    # Not recursion: a schema can nest deeper than Python's stack.
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict):
            continue
        yield from _own_escapes(value, path)
        waiting += reversed(list(_children(value, path)))


def _own_escapes(schema: dict[str, Any], path: str) -> Iterator[str]:
    for key in ("title", "description"):
        if _leaves(schema.get(key), _LINE_END):
            yield f"{path}{key}"
    # Defaults of an enum are shown without quotes.
    if _leaves(schema.get("default"), _LINE_END if schema.get("enum") else _LINE_END_OR_QUOTE):
        yield f"{path}default"
    for key in ("examples", "enum"):
        yield from _escapes_in(schema.get(key), _LINE_END_OR_QUOTE, f"{path}{key}")
    yield from _escapes_in(schema.get("type"), _LINE_END, f"{path}type")
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name in properties:
            if _LINE_END.search(name):
                yield f"{path}properties[{name!r}]"


def _escapes_in(values: Any, pattern: re.Pattern[str], path: str) -> Iterator[str]:
    if isinstance(values, list):
        for index, value in enumerate(values):
            if _leaves(value, pattern):
                yield f"{path}[{index}]"


def _leaves(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.search(value) is not None


def _children(schema: dict[str, Any], path: str) -> Iterable[tuple[str, Any]]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name, value in properties.items():
            yield f"{path}properties[{name!r}].", value
    if "items" in schema:
        yield f"{path}items.", schema["items"]
    variants = schema.get("oneOf")
    if isinstance(variants, list):
        for index, variant in enumerate(variants):
            yield f"{path}oneOf[{index}].", variant
