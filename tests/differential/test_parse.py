"""Parsing whole completions matches the reference, including refusals."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison, Refusal
from tests.differential.safety import without_invalid_content
from tests.strategies.messages import ROLES
from tests.strategies.streams import Stream, streams
from tests.strategies.vocabulary import Vocabulary


def _assert_same_parse(both: Comparison, tokens: object, role: str | None, strict: bool) -> None:
    def parse(harmony: ModuleType, encoding: Any) -> object:
        preset = None if role is None else harmony.Role(role)
        messages = encoding.parse_messages_from_completion_tokens(tokens, preset, strict=strict)
        return [message.to_json() for message in messages]

    both.assert_same(parse)


@cases("parsing")
@given(stream=streams())
def test_parse_gives_the_same_messages(
    both: Comparison, vocabulary: Vocabulary, stream: Stream
) -> None:
    """Any completion gives the same messages, strict or lenient, or is refused the same way."""
    tokens = vocabulary.stream_tokens(stream)
    for strict in (True, False):
        valid = without_invalid_content(both, tokens, stream.role, strict=strict)
        _assert_same_parse(both, valid, stream.role, strict)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("role", [None, *ROLES])
def test_the_empty_completion(both: Comparison, role: str | None, strict: bool) -> None:
    """An empty completion has the same outcome for each preset role."""
    _assert_same_parse(both, [], role, strict)


@pytest.mark.parametrize("tokens", [(200006, 1428, 200008), {200006}, iter(()), b"ab"])
def test_any_iterable_of_integers_is_parsed(both: Comparison, tokens: object) -> None:
    """Tokens may be any iterable of integers."""
    _assert_same_parse(both, tokens, None, strict=True)


@pytest.mark.parametrize("tokens", [None, 5, "ab", [-1], [2**32], [10**30], [1.0], ["1"], [None]])
def test_arguments_that_are_not_tokens_are_refused(both: Comparison, tokens: object) -> None:
    """Anything but an iterable of 32-bit integers is refused."""

    def parse(_: ModuleType, encoding: Any) -> object:
        return encoding.parse_messages_from_completion_tokens(tokens)

    assert isinstance(both.assert_same(parse), Refusal)


@pytest.mark.parametrize("role", ["assistant", "bot", 5])
def test_invalid_preset_roles_are_refused(both: Comparison, role: object) -> None:
    """A preset role that is neither a `Role` nor None is refused."""

    def parse(_: ModuleType, encoding: Any) -> object:
        return encoding.parse_messages_from_completion_tokens([], role)

    both.assert_both_refuse(parse)
