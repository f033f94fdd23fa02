"""JSON on its way into the prompt: accepted and refused texts, printed numbers."""

from collections.abc import Callable

import pytest

from harmony_server import core
from harmony_server.core import json_text
from tests.core.prompts import property_text, type_text


def _printed(text: str) -> str:
    return json_text.dump(json_text.load(text))


def _nested_lists(depth: int) -> str:
    return "[" * depth + "]" * depth


def _nested_objects(depth: int) -> str:
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0", "0"),
        ("-0", "-0.0"),
        ("-0.0", "-0.0"),
        ("0.0", "0.0"),
        ("0e5", "0.0"),
        ("1", "1"),
        ("-1", "-1"),
        ("1.0", "1.0"),
        ("1e0", "1.0"),
        ("1E+2", "100.0"),
        ("0.1", "0.1"),
        ("1e15", "1000000000000000.0"),
        ("1e16", "1e16"),
        ("123456789012345680.0", "1.2345678901234568e17"),
        ("1e-5", "0.00001"),
        ("0.00001234", "0.00001234"),
        ("1e-6", "1e-6"),
        ("1.5e-10", "1.5e-10"),
        ("1e100", "1e100"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("1e-99999999999", "0.0"),
        ("0e99999999999", "0.0"),
    ],
)
def test_numbers_keep_their_kind(text: str, printed: str) -> None:
    """Integers stay integers and floats stay floats, printed as Rust's serde_json prints them."""
    assert _printed(text) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e19"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775809", "-9.223372036854776e18"),
        ("12345678901234567890123", "1.2345678901234568e22"),
    ],
)
def test_integers_beyond_64_bits_become_floats(text: str, printed: str) -> None:
    """An integer too large for a signed or unsigned 64-bit integer becomes a float."""
    assert _printed(text) == printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1.0000000000000001e+23", "1e23"),
        ("2.7715077941825975e-163", "2.7715077941825978e-163"),
        ("1.2345678912500001e-05", "0.0000123456789125"),
    ],
)
def test_floats_are_read_as_the_reference_reads_them(text: str, printed: str) -> None:
    """Doubles are parsed as in the reference, which does not always pick the nearest one."""
    assert _printed(text) == printed


@pytest.mark.parametrize("text", ["1e309", "-1e309", "1" + "0" * 309, "1e99999999999", "9" * 5000])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    """A number beyond the range of a double is an error."""
    with pytest.raises(json_text.JsonError, match=r"^number out of range$"):
        json_text.load(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": [NaN]}'])
def test_nan_and_infinity_are_refused(text: str) -> None:
    """NaN and the infinities, which Python's json accepts, are errors."""
    with pytest.raises(json_text.JsonError, match="expected value"):
        json_text.load(text)


@pytest.mark.parametrize(
    "text", ["", " ", "{", '{"a" 1}', "[1,]", "01", "1.", ".5", "'a'", "{} {}"]
)
def test_invalid_json_is_refused_with_its_position(text: str) -> None:
    """Invalid JSON is an error that says where."""
    with pytest.raises(json_text.JsonError, match=r"^not JSON at line 1, column \d+$"):
        json_text.load(text)


@pytest.mark.parametrize(
    "text", [r'"\ud800"', r'"\udc00"', r'{"\ud800": 1}', r'["a", "\udc00\ud800"]']
)
def test_lone_surrogates_are_refused(text: str) -> None:
    """A lone surrogate in a string or a key is an error."""
    with pytest.raises(json_text.JsonError, match=r"^lone surrogate in a string$"):
        json_text.load(text)


def test_surrogate_pairs_are_characters() -> None:
    """Two escapes that form a surrogate pair are one character."""
    assert _printed(r'"\ud83d\ude00"') == '"😀"'


def test_strings_are_escaped_no_more_than_json_demands() -> None:
    """Only quotes, backslashes and control characters are escaped."""
    assert _printed(r'"\"\\\/\b\f\n\r\t\u0000\u001f\u007f\u2028é"') == (
        '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u2028é"'
    )


def test_values_are_printed_without_spaces() -> None:
    """Members and items are printed without spaces, in their original order."""
    text = '{ "b" : [ 1 , null , true , false ] , "a" : { } }'
    assert _printed(text) == '{"b":[1,null,true,false],"a":{}}'


def test_the_last_of_duplicate_keys_wins() -> None:
    """As in the reference, a repeated key keeps its first position and its last value."""
    assert _printed('{"a": 1, "b": 2, "a": 3}') == '{"a":3,"b":2}'


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', r'[{"é": {"b": 1, "\u0062": 2}}]'])
def test_duplicate_keys_can_be_refused(text: str) -> None:
    """`load_unambiguous` refuses a repeated key, however it is spelled."""
    with pytest.raises(json_text.JsonError, match="duplicate key"):
        json_text.load_unambiguous(text)


def test_unambiguous_values_are_plain() -> None:
    """`load_unambiguous` returns plain Python values in the order of the text."""
    value = json_text.load_unambiguous('{"b": [1, 1.0, "x", null], "a": true}')
    assert value == {"b": [1, 1.0, "x", None], "a": True}
    assert list(value) == ["b", "a"]


@pytest.mark.parametrize("nested", [_nested_lists, _nested_objects])
def test_nesting_up_to_120_is_accepted(nested: Callable[[int], str]) -> None:
    """120 levels of nesting are accepted."""
    assert _printed(nested(120)) == nested(120)


@pytest.mark.parametrize("nested", [_nested_lists, _nested_objects])
@pytest.mark.parametrize("depth", [121, 900, 10_000, 100_000])
def test_deeper_nesting_is_refused(nested: Callable[[int], str], depth: int) -> None:
    """Deeper nesting is a JsonError, never a RecursionError."""
    with pytest.raises(json_text.JsonError, match="recursion limit exceeded"):
        json_text.load(nested(depth))


def test_parameters_may_nest_120_deep() -> None:
    """A tool's parameters may nest 120 levels deep, and no deeper."""
    value: object = "x"
    for _ in range(119):
        value = [value]
    assert type_text({"default": value}) == "any"
    with pytest.raises(ValueError, match="recursion limit exceeded"):
        type_text({"default": [value]})


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "expected value"),
        (float("inf"), "expected value"),
        (10**309, "number out of range"),
        ("\ud800", "lone surrogate"),
    ],
    ids=["nan", "inf", "huge", "surrogate"],
)
def test_parameters_that_are_not_json_are_an_error(value: object, problem: str) -> None:
    """Rendering refuses values that JSON cannot express, as the reference does."""
    with pytest.raises(ValueError, match=f"invalid message JSON: .*{problem}") as caught:
        property_text({"default": value})
    assert not isinstance(caught.value, core.HarmonyError)


def test_values_that_json_cannot_encode_are_a_type_error() -> None:
    """A value that Python's json cannot write is a TypeError, as in the reference."""
    with pytest.raises(TypeError, match="Object of type bytes is not JSON serializable"):
        property_text({"default": b"x"})


def test_python_values_become_json() -> None:
    """Tuples become arrays, and keys that are not strings become strings."""
    default = {1: (1, 2), None: 0, 1.5: 0}
    assert property_text({"default": {"k": default}}).endswith(
        '// default: {"k":{"1":[1,2],"null":0,"1.5":0}}'
    )
