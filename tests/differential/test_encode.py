"""`encode` matches the reference, including the rules for special tokens."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison, Refusal
from tests.strategies.special_rules import SpecialRules, special_rules
from tests.strategies.texts import texts, texts_with_surrogates


def _assert_same_encode(both: Comparison, text: object, arguments: dict[str, Any]) -> object:
    def encode(_: ModuleType, encoding: Any) -> object:
        return encoding.encode(text, **arguments)

    return both.assert_same(encode)


@cases("encoding")
@given(text=st.one_of(texts(), texts(), texts_with_surrogates()), rules=special_rules())
def test_encode_gives_the_same_tokens(both: Comparison, text: str, rules: SpecialRules) -> None:
    """Any text gives the same tokens under any rules, or is refused the same way."""
    _assert_same_encode(both, text, rules.as_keywords())


@pytest.mark.parametrize(
    "text",
    [
        "",
        " " * 3000 + "x",
        "\n" * 3000,
        "\u3000 " * 500,
        "!" * 1000,
        "a" * 2000,
        "aB" * 500,
        "1234567890" * 200,
        "' 's'S'll'LL I'VE",
        "\r\n\t \x85\u2028x",
    ],
)
def test_long_runs_are_split_the_same_way(both: Comparison, text: str) -> None:
    """Long runs of one kind of character are split into the same tokens."""
    _assert_same_encode(both, text, {})


@pytest.mark.parametrize(
    "arguments",
    [
        {"allowed_special": "all"},
        {"allowed_special": {"<|end|>"}, "disallowed_special": ()},
        {"allowed_special": {"<|end|>"}},
        {"allowed_special": "all", "disallowed_special": {"<|start|>"}},
        {"disallowed_special": ()},
        {},
    ],
)
def test_specials_in_a_long_text(both: Comparison, arguments: dict[str, Any]) -> None:
    """A text that is encoded in parts gives the same tokens under any rules, or is refused."""
    part = "a <|end|>b<|start|><|start|> <|fake|>\n" + "lorem ipsum " * 4000
    _assert_same_encode(both, part * 3, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"allowed_special": {1}, "disallowed_special": ()},
        {"allowed_special": {"\ud800"}, "disallowed_special": ()},
        {"allowed_special": None},
        {"disallowed_special": {1}},
        {"disallowed_special": {""}},
    ],
)
def test_rules_of_wrong_types_are_refused(both: Comparison, arguments: dict[str, Any]) -> None:
    """Rules with anything but non-empty strings are refused."""
    both.assert_both_refuse(lambda _, encoding: encoding.encode("Hi", **arguments))


@pytest.mark.parametrize("text", [5, None, b"x", ["x"]])
@pytest.mark.parametrize("arguments", [{}, {"disallowed_special": ()}])
def test_only_texts_are_encoded(both: Comparison, text: object, arguments: dict[str, Any]) -> None:
    """Anything but a string is refused, whether or not special tokens are looked for."""
    assert isinstance(_assert_same_encode(both, text, arguments), Refusal)


def test_the_special_tokens_are_the_same(both: Comparison) -> None:
    """The special tokens are the same, and each has the same id."""

    def special_tokens(_: ModuleType, encoding: Any) -> object:
        spellings = encoding.special_tokens_set
        return spellings, {
            spelling: encoding.encode(spelling, allowed_special={spelling}, disallowed_special=())
            for spelling in spellings
        }

    both.assert_same(special_tokens)
