"""Reads a long JSON text piece by piece, because `json` holds up other threads until its end.

A value with few parts goes to `json` at once. The members of one with many parts are read one by
one, so that other threads run in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from .bounds import MAX_JSON_CHARACTERS_AT_ONCE, MAX_JSON_PARTS_AT_ONCE

_QUOTE_OR_SIGN = re.compile(r'["\[\]{},]')
# In parts, because the engine does not let other threads run.
_STRING_PART = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+){0,4096}+', re.DOTALL)
_SPACES = re.compile(r"[ \t\n\r]+")
_SPACE = re.compile(r"[ \t\n\r]*+")


def scan(text: str, decoder: json.JSONDecoder, check: Callable[[], None] | None = None) -> Any:
    """Returns what `decoder.decode` returns.

    Args:
        text: A JSON text.
        decoder: Decodes it. Its hook for objects is called for each, the innermost first.
        check: Called again and again meanwhile if the text is long; may raise to stop.

    Raises:
        json.JSONDecodeError: As `decoder.decode`.
        RecursionError: The text is nested too deeply.
    """
    if len(text) <= MAX_JSON_CHARACTERS_AT_ONCE:
        return decoder.decode(text)
    if text.startswith("\ufeff"):
        raise json.JSONDecodeError("Unexpected UTF-8 BOM (decode using utf-8-sig)", text, 0)
    value, end = _Scanner(text, decoder, check).value(_skip_space(text, 0))
    end = _skip_space(text, end)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def count_parts(text: str, at_most: int) -> int:
    """Returns how many values a JSON text has at most; stops counting beyond `at_most`."""
    count = 1 + text.count(",") + text.count("[") + text.count("{")
    if count <= at_most:
        return count
    # Some of these are in strings.
    count = 1
    for _, sign in _signs(text):
        if sign in ",[{":
            count += 1
            if count > at_most:
                break
    return count


def compact(text: str) -> str:
    """Returns a JSON text without white space between its parts, otherwise unchanged."""
    parts: list[str] = []
    end = 0
    while (begin := text.find('"', end)) >= 0:
        parts.append(_SPACES.sub("", text[end:begin]))
        end = _end_of_string(text, begin)
        parts.append(text[begin:end])
    return "".join((*parts, _SPACES.sub("", text[end:])))


def _end_of_string(text: str, begin: int) -> int:
    """Returns the end of the JSON string at `begin`, or of the text if it has none."""
    position = begin + 1
    while part := _STRING_PART.match(text, position):
        if text[part.end() : part.end() + 1] == '"':
            return part.end() + 1
        if part.end() == position:
            break
        position = part.end()
    return len(text)


def _signs(text: str) -> Iterator[tuple[int, str]]:
    """Yields the position of each bracket and comma outside of strings."""
    position = 0
    while found := _QUOTE_OR_SIGN.search(text, position):
        sign, position = found.group(), found.end()
        if sign == '"':
            position = _end_of_string(text, position - 1)
        else:
            yield position - 1, sign


class _Scanner:
    def __init__(
        self, text: str, decoder: json.JSONDecoder, check: Callable[[], None] | None
    ) -> None:
        self._text = text
        # Its type has neither `scan_once` nor `parse_string`.
        self._decoder: Any = decoder
        self._check = check or (lambda: None)
        self._large = _find_large(text, self._check)
        # Equal keys share their text, as in `json`.
        self._keys: dict[str, str] = {}

    def value(self, begin: int) -> tuple[Any, int]:
        """Returns the value at `begin` and its end."""
        if begin in self._large:
            self._check()
            return self._object(begin + 1) if self._text[begin] == "{" else self._array(begin + 1)
        try:
            value, end = self._decoder.scan_once(self._text, begin)
        except StopIteration as stop:
            raise json.JSONDecodeError("Expecting value", self._text, stop.value) from None
        return value, end

    def _array(self, begin: int) -> tuple[list[Any], int]:
        text = self._text
        values: list[Any] = []
        position = _skip_space(text, begin)
        if text[position : position + 1] == "]":
            return values, position + 1
        while True:
            value, position = self.value(position)
            values.append(value)
            if len(values) % MAX_JSON_PARTS_AT_ONCE == 0:
                self._check()
            position = _skip_space(text, position)
            sign = text[position : position + 1]
            if sign == "]":
                return values, position + 1
            if sign != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
            position = _skip_space(text, position + 1)

    def _object(self, begin: int) -> tuple[Any, int]:
        text = self._text
        pairs: list[tuple[str, Any]] = []
        position = _skip_space(text, begin)
        if text[position : position + 1] == "}":
            return self._made(pairs), position + 1
        while True:
            if text[position : position + 1] != '"':
                problem = "Expecting property name enclosed in double quotes"
                raise json.JSONDecodeError(problem, text, position)
            key, position = self._decoder.parse_string(text, position + 1, self._decoder.strict)
            key = self._keys.setdefault(key, key)
            position = _skip_space(text, position)
            if text[position : position + 1] != ":":
                raise json.JSONDecodeError("Expecting ':' delimiter", text, position)
            value, position = self.value(_skip_space(text, position + 1))
            pairs.append((key, value))
            if len(pairs) % MAX_JSON_PARTS_AT_ONCE == 0:
                self._check()
            position = _skip_space(text, position)
            sign = text[position : position + 1]
            if sign == "}":
                return self._made(pairs), position + 1
            if sign != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
            position = _skip_space(text, position + 1)

    def _made(self, pairs: list[tuple[str, Any]]) -> Any:
        hook = self._decoder.object_pairs_hook
        return dict(pairs) if hook is None else hook(pairs)


def _find_large(text: str, check: Callable[[], None]) -> set[int]:
    """Returns where the values with many parts or characters begin, if the text is JSON.

    If it is not, some may be missing or wrong; reading the text finds the error then.
    """
    large: set[int] = set()
    # Where each open value begins, and how many parts came before.
    open_values: list[tuple[int, int]] = []
    for parts, (position, sign) in enumerate(_signs(text)):
        if sign in "[{":
            open_values.append((position, parts))
        elif sign in "]}" and open_values:
            begin, before = open_values.pop()
            if (
                parts - before > MAX_JSON_PARTS_AT_ONCE
                or position - begin > MAX_JSON_CHARACTERS_AT_ONCE
            ):
                large.add(begin)
        if parts % MAX_JSON_PARTS_AT_ONCE == 0:
            check()
    # Those without an end are read up to the error.
    large.update(begin for begin, _ in open_values)
    return large


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    assert found is not None, "no space matches"
    return found.end()
