"""The state of a streaming parser after every step."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from tests.differential.outcomes import Outcome, outcome_of, seen_by_a_program


@dataclass(frozen=True)
class Step:
    """One step of a parser: a token, or None for the end of the stream, and the state after it."""

    token: int | None
    outcome: Outcome
    state: str
    state_data: dict[str, Any]
    role: str | None
    channel: str | None
    recipient: str | None
    content_type: str | None
    content: str
    delta: str | None
    messages: tuple[str, ...]
    token_count: int
    last_token: int | None


def trace(
    harmony: ModuleType,
    encoding: object,
    role: str | None,
    steps: Iterable[int | None],
    *,
    strict: bool,
) -> list[Step]:
    """Feeds a parser, even after errors, and returns its steps; None in `steps` ends the stream."""
    preset = None if role is None else harmony.Role(role)
    parser = harmony.StreamableParser(encoding, preset, strict=strict)
    return [_step(parser, token) for token in steps]


def advance(parser: Any, token: int | None) -> bool:
    """Feeds a token, or the end of the stream; returns whether the parser returned itself."""
    returned = parser.process_eos() if token is None else parser.process(token)
    return returned is parser


def _step(parser: Any, token: int | None) -> Step:
    outcome = outcome_of(lambda: advance(parser, token))
    role = parser.current_role
    tokens = parser.tokens
    return Step(
        token=token,
        outcome=outcome,
        state=parser.state.value,
        state_data=parser.state_data,
        role=None if role is None else role.value,
        channel=parser.current_channel,
        recipient=parser.current_recipient,
        content_type=parser.current_content_type,
        content=parser.current_content,
        delta=parser.last_content_delta,
        messages=tuple(message.to_json() for message in parser.messages),
        token_count=len(tokens),
        last_token=tokens[-1] if tokens else None,
    )


def assert_same_trace(expected: list[Step], actual: list[Step]) -> None:
    """Fails at the first step that differs."""
    for index, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        seen = replace(ours, outcome=seen_by_a_program(ours.outcome, theirs.outcome))
        assert seen == theirs, f"step {index}"
