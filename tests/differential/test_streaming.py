"""The streaming parser matches the reference's after every token."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison, Refusal, Value, outcome_of
from tests.differential.safety import without_invalid_content
from tests.differential.traces import assert_same_trace, trace
from tests.strategies.headers import ODD_HEADERS, spelled
from tests.strategies.messages import ROLES
from tests.strategies.streams import Stream, streams, streams_with_stopped_headers
from tests.strategies.token_lists import NOT_TOKENS
from tests.strategies.vocabulary import Vocabulary

# The number of tokens to repeat after the end of the stream.
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
    """Every getter agrees after every token, after errors and after the end, strict or lenient."""
    tokens = vocabulary.stream_tokens(stream)
    for strict in (True, False):
        _assert_same_trace(both, tokens, stream.role, strict=strict)


@cases("headers that a stop token ends")
@given(stream=streams_with_stopped_headers())
def test_headers_that_a_stop_token_ends_are_read_the_same_way(
    both: Comparison, vocabulary: Vocabulary, stream: Stream
) -> None:
    """In lenient mode, a stop token inside a header has the same outcome."""
    _assert_same_trace(both, vocabulary.stream_tokens(stream), stream.role, strict=False)


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_odd_headers_are_read_the_same_way(
    both: Comparison, vocabulary: Vocabulary, header: str
) -> None:
    """Each odd header is read or refused the same way, for each role and ending."""
    for role in (None, *ROLES):
        start = "" if role else "<|start|>"
        for end in ("<|message|>Hi<|end|>", "<|end|>"):
            tokens = vocabulary.tokens(spelled(f"{start}{header}{end}"))
            for strict in (True, False):
                _assert_same_trace(both, tokens, role, strict=strict)


@pytest.mark.parametrize("strict", [True, False, None])
@pytest.mark.parametrize("role", [None, *ROLES])
def test_a_new_parser(both: Comparison, role: str | None, strict: bool | None) -> None:
    """A new parser agrees for each role and each value of `strict`."""

    def new_parser(harmony: ModuleType, encoding: Any) -> object:
        preset = None if role is None else harmony.Role(role)
        parser = harmony.StreamableParser(encoding, preset, strict=strict)
        return parser.state_data, parser.state.name, parser.current_role, parser.tokens

    both.assert_same(new_parser)


@pytest.mark.parametrize("token", NOT_TOKENS)
def test_values_that_are_not_tokens_change_nothing(both: Comparison, token: object) -> None:
    """A value that is not a 32-bit integer is refused and does not change the parser."""

    def parse(harmony: ModuleType, encoding: Any) -> object:
        parser = harmony.StreamableParser(encoding, harmony.Role.USER)
        refusal = outcome_of(lambda: parser.process(token))
        assert isinstance(refusal, Refusal)
        return refusal, parser.tokens, parser.state_data

    assert isinstance(both.assert_same(parse), Value)


@pytest.mark.parametrize("role", ["assistant", "bot", 5])
def test_invalid_preset_roles_are_refused(both: Comparison, role: object) -> None:
    """A preset role that is neither a `Role` nor None is refused."""

    def new_parser(harmony: ModuleType, encoding: Any) -> object:
        return harmony.StreamableParser(encoding, role)

    both.assert_both_refuse(new_parser)


@pytest.mark.parametrize("strict", [0, 1, "yes"])
def test_strict_must_be_a_bool(both: Comparison, strict: object) -> None:
    """A `strict` that is neither a bool nor None is refused."""

    def new_parser(harmony: ModuleType, encoding: Any) -> object:
        return harmony.StreamableParser(encoding, None, strict=strict)

    both.assert_both_refuse(new_parser)
