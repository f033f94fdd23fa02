"""JSON for the prompt: read strictly, with numbers read and printed as in the reference."""

import decimal
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .bounds import MAX_JSON_DEPTH

_MAX_UINT64 = 2**64 - 1
_MIN_INT64 = -(2**63)
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\n\r]+')
# One, or the escape of one, without which no string can have a lone surrogate.
_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")
# The largest power of ten that fits into a double.
_MAX_POWER = 308


class JsonError(ValueError):
    """A text that is not JSON or cannot be rendered. The message is fit to show to users."""


class Number:
    """A number, kept as the text to print."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def load(text: str) -> Any:
    """Reads a JSON text; numbers become `Number`, the last of duplicate keys wins.

    Raises:
        JsonError: Not JSON; NaN or an infinity; a number out of range; a lone surrogate; nesting
            deeper than MAX_JSON_DEPTH.
    """
    return _load(text, parse_int=_read_integer, parse_float=_read_float)


def load_unambiguous(text: str) -> Any:
    """Reads a JSON text into plain Python values.

    Raises:
        JsonError: As `load`, or a duplicate key.
    """
    load(text)
    return _load(text, object_pairs_hook=_unique_keys)


def from_python(value: Any) -> Any:
    """Returns what `load` reads when a Python value is written as JSON.

    Raises:
        TypeError: The value contains something that JSON does not have.
        JsonError: As `load`.
    """
    return load(to_text(value))


def to_text(value: Any) -> str:
    """Writes a Python value as JSON, as a program for the reference would.

    Raises:
        TypeError: The value contains something that JSON does not have.
        JsonError: It is nested deeper than Python can write.
    """
    try:
        return json.dumps(value)
    except RecursionError:
        raise _too_deep() from None


def dump(value: Any) -> str:
    """Writes a value that `load` returned, compactly and with as few escapes as JSON allows."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(key)}:{dump(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def compact(text: str) -> str:
    """Returns a JSON text without white space between its parts, otherwise unchanged."""
    return _STRING_OR_SPACE.sub(r"\1", text)


def join_surrogates(text: str) -> str:
    """Returns a text with each surrogate pair replaced by its character, as JSON reads it.

    Raises:
        JsonError: A lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise JsonError("lone surrogate in a string") from None
    return text


def _load(
    text: str,
    *,
    parse_int: Callable[[str], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=parse_int,
            parse_float=parse_float,
            object_pairs_hook=object_pairs_hook,
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"not JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    if _SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False, default=lambda _: None).encode()
        except UnicodeEncodeError:
            raise JsonError("lone surrogate in a string") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"expected value, found {name}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise JsonError(f"duplicate key {json.dumps(key)}")
        members[key] = value
    return members


def _check_depth(value: Any) -> None:
    # Level by level: recursion would reach Python's own limit first.
    level = _containers([value])
    for _ in range(MAX_JSON_DEPTH):
        level = [
            child
            for node in level
            for child in _containers(node.values() if isinstance(node, dict) else node)
        ]
    if level:
        raise _too_deep()


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]


def _too_deep() -> JsonError:
    return JsonError(f"recursion limit exceeded: nested deeper than {MAX_JSON_DEPTH} levels")


def _read_integer(text: str) -> Number:
    # Python refuses to convert very long digit strings, which are out of range anyway.
    if len(text) > 20 or text == "-0" or not _MIN_INT64 <= int(text) <= _MAX_UINT64:
        return _read_float(text)
    return Number(text)


def _read_float(text: str) -> Number:
    """Reads a number as serde_json does, which does not always give the nearest double.

    It collects as many digits as fit into 64 bits, then scales by powers of ten in floating point.
    """
    match = _NUMBER.fullmatch(text)
    assert match is not None, "the JSON scanner passes numbers only"
    sign, whole, fraction, written_exponent = match.groups(default="")
    significand, taken = _collect_digits(0, whole)
    exponent = len(whole) - taken
    significand, taken = _collect_digits(significand, fraction)
    # The first twelve characters of an exponent are enough to put it out of range.
    exponent += int(written_exponent[:12] or 0) - taken
    value = float(significand)
    while exponent < -_MAX_POWER and value:
        value /= 1e308
        exponent += _MAX_POWER
    if value:
        value = _scale(value, exponent)
    return Number(sign + _print_float(value))


def _collect_digits(significand: int, digits: str) -> tuple[int, int]:
    """Appends the digits that fit to the significand; returns it and how many those were."""
    for taken, digit in enumerate(digits):
        longer = significand * 10 + int(digit)
        if longer > _MAX_UINT64:
            return significand, taken
        significand = longer
    return significand, len(digits)


def _scale(value: float, exponent: int) -> float:
    if exponent < 0:
        return value / float(f"1e{-exponent}")
    scaled = value * float(f"1e{exponent}") if exponent <= _MAX_POWER else math.inf
    if math.isinf(scaled):
        raise JsonError("number out of range")
    return scaled


def _print_float(value: float) -> str:
    """Prints a non-negative double as Rust's serde_json does."""
    if value == 0:
        return "0.0"
    _, digit_tuple, exponent = decimal.Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digit_tuple))
    point = len(digits) + int(exponent)
    if point > 16 or point <= -5:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{digits[0]}{fraction}e{point - 1}"
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    return f"{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"
