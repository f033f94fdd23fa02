"""The streaming parser shows what the reference's shows, after every token."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison, outcome_of
from tests.differential.safety import without_invalid_content
from tests.differential.traces import assert_same_trace, trace
from tests.strategies.headers import ODD_HEADERS, spelt
from tests.strategies.messages import ROLES
from tests.strategies.streams import Stream, rescuable_streams, streams
from tests.strategies.token_lists import NOT_TOKENS
from tests.strategies.vocabulary import Vocabulary

# How many tokens come once more after the end of the stream.
_REPEATED = 8


def _assert_same_trace(
    both: Comparison, tokens: list[int], role: str | None, *, strict: bool
) -> None:
    steps = [*tokens, None, None, *tokens[:_REPEATED], None]
    steps = without_invalid_content(both, steps, role, strict=strict)
    expected = trace(both.reference, both.reference_encoding, role, steps, strict=strict)
    actual = trace(both.core, both.encoding, role, steps, strict=strict)
    assert_same_trace(expected, actual)


@cases("streaming")
@given(stream=streams())
def test_getters_agree_after_every_token(
    both: Comparison, vocabulary: Vocabulary, stream: Stream
) -> None:
    """Every getter agrees after every token, after errors and after the end, strict or not."""
    tokens = vocabulary.stream_tokens(stream)
    for strict in (True, False):
        _assert_same_trace(both, tokens, stream.role, strict=strict)


@cases("rescue")
@given(stream=rescuable_streams())
def test_headers_without_content_are_rescued_the_same_way(
    both: Comparison, vocabulary: Vocabulary, stream: Stream
) -> None:
    """A stop token inside a header makes the same message, or none, when parsing is not strict."""
    _assert_same_trace(both, vocabulary.stream_tokens(stream), stream.role, strict=False)


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_odd_headers_are_read_the_same_way(
    both: Comparison, vocabulary: Vocabulary, header: str
) -> None:
    """Each odd header is read or refused the same way, whatever opens it and whatever ends it."""
    for role in (None, *ROLES):
        start = "" if role else "<|start|>"
        for end in ("<|message|>Hi<|end|>", "<|end|>"):
            tokens = vocabulary.tokens(spelt(f"{start}{header}{end}"))
            for strict in (True, False):
                _assert_same_trace(both, tokens, role, strict=strict)


@pytest.mark.parametrize("strict", [True, False, None])
@pytest.mark.parametrize("role", [None, *ROLES])
def test_a_new_parser(both: Comparison, role: str | None, strict: bool | None) -> None:
    """A parser that has seen nothing shows the same; `strict=None` is the default."""

    def new_parser(harmony: ModuleType, encoding: Any) -> object:
        preset = None if role is None else harmony.Role(role)
        parser = harmony.StreamableParser(encoding, preset, strict=strict)
        return parser.state_data, parser.state.name, parser.current_role, parser.tokens

    both.assert_same(new_parser)


@pytest.mark.parametrize("token", NOT_TOKENS)
def test_what_is_no_token_changes_nothing(both: Comparison, token: object) -> None:
    """A value that is no 32-bit integer is refused, and the parser stays as it was."""

    def parse(harmony: ModuleType, encoding: Any) -> object:
        parser = harmony.StreamableParser(encoding, harmony.Role.USER)
        refusal = outcome_of(lambda: parser.process(token))
        return refusal, parser.tokens, parser.state_data

    both.assert_same(parse)


@pytest.mark.parametrize("role", ["assistant", "bot", 5])
def test_roles_that_are_no_roles_are_refused(both: Comparison, role: object) -> None:
    """The preset role must be a `Role` or None."""

    def new_parser(harmony: ModuleType, encoding: Any) -> object:
        return harmony.StreamableParser(encoding, role)

    both.assert_both_refuse(new_parser)


@pytest.mark.parametrize("strict", [0, 1, "yes"])
def test_strict_must_be_a_bool(both: Comparison, strict: object) -> None:
    """`strict` takes a bool (or None) and nothing that merely counts as one."""

    def new_parser(harmony: ModuleType, encoding: Any) -> object:
        return harmony.StreamableParser(encoding, None, strict=strict)

    both.assert_both_refuse(new_parser)
