"""Decoding and properties of tokens match the reference."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison, Refusal
from tests.strategies.segments import Segment
from tests.strategies.token_lists import FIRST_SPECIAL_TOKEN, NOT_TOKENS, token_lists
from tests.strategies.utf8 import byte_segments
from tests.strategies.vocabulary import Vocabulary

_ERRORS = ["strict", "ignore", "replace", "backslashreplace", "surrogateescape", "unknown"]


def _assert_same_decode(both: Comparison, tokens: list[int], errors: str) -> None:
    both.assert_same(lambda _, encoding: encoding.decode(tokens))
    both.assert_same(lambda _, encoding: encoding.decode(tokens, errors=errors))
    both.assert_same(lambda _, encoding: encoding.decode_utf8(tokens))


@cases("decoding")
@given(
    tokens=token_lists(),
    segments=st.lists(byte_segments(), max_size=4),
    errors=st.sampled_from(_ERRORS),
)
def test_decode_gives_the_same_text(
    both: Comparison,
    vocabulary: Vocabulary,
    tokens: list[int],
    segments: list[Segment],
    errors: str,
) -> None:
    """Any tokens decode to the same text, or are refused the same way."""
    _assert_same_decode(both, tokens, errors)
    _assert_same_decode(both, vocabulary.tokens(segments), errors)


@pytest.mark.parametrize("method", ["decode", "decode_utf8"])
@pytest.mark.parametrize("tokens", [None, 5, "ab", *([value] for value in NOT_TOKENS)])
def test_arguments_that_are_not_tokens_are_refused(
    both: Comparison, method: str, tokens: object
) -> None:
    """Anything but an iterable of 32-bit integers is refused."""

    def decode(_: ModuleType, encoding: Any) -> object:
        return getattr(encoding, method)(tokens)

    assert isinstance(both.assert_same(decode), Refusal)


@pytest.mark.parametrize("method", ["decode", "decode_utf8"])
@pytest.mark.parametrize("tokens", [(1, 2), b"ab", [True], {7}, range(3)])
def test_any_iterable_of_integers_is_decoded(both: Comparison, method: str, tokens: object) -> None:
    """Tokens may be any iterable of integers, including bools."""

    def decode(_: ModuleType, encoding: Any) -> object:
        return getattr(encoding, method)(tokens)

    both.assert_same(decode)


def test_every_token_around_the_specials_is_classified_the_same_way(both: Comparison) -> None:
    """`is_special_token` agrees on all special tokens and on the ids around them."""

    def specials(_: ModuleType, encoding: Any) -> object:
        tokens = range(FIRST_SPECIAL_TOKEN - 10, 201_100)
        return [token for token in tokens if encoding.is_special_token(token)]

    both.assert_same(specials)


@pytest.mark.parametrize("token", [*NOT_TOKENS, True, 0, 2**32 - 1])
def test_odd_tokens_are_classified_or_refused_the_same_way(both: Comparison, token: object) -> None:
    """`is_special_token` agrees on unknown ids and on values that are not ids."""
    both.assert_same(lambda _, encoding: encoding.is_special_token(token))


def test_every_token_decodes_to_the_same_bytes(both: Comparison) -> None:
    """Each token, special ones included, decodes to the same bytes."""

    def decode_all(_: ModuleType, encoding: Any) -> object:
        tokens = range(201_089)
        return [encoding.decode([token], errors="surrogateescape") for token in tokens]

    both.assert_same(decode_all)


def test_stop_tokens_are_the_same_sets(both: Comparison) -> None:
    """Both kinds of stop tokens are the same, each a list without duplicates."""

    def stop_tokens(_: ModuleType, encoding: Any) -> object:
        lists = [encoding.stop_tokens(), encoding.stop_tokens_for_assistant_actions()]
        return [(type(tokens), sorted(tokens)) for tokens in lists]

    both.assert_same(stop_tokens)
