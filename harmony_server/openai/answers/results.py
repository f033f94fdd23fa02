"""What a step of an answer gives to its caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...core.events import RecoveryReason


@dataclass(frozen=True, slots=True)
class SequenceOutcome:
    """How a sequence came out, for the caller's metrics.

    Attributes:
        sequence: The index among the choices; in a batch the sequence's id.
        finish_reason: As the client sees it: `stop`, `length`, `tool_calls`, `function_call` or
            `content_filter`. Empty if the client sees none: it went away, or the engine failed.
        repairs: How many repairs the parse made.
        undeclared_calls: Calls of tools that the request does not have.
        empty: Whether there is no content but white space, and no call.
        repairs_by_reason: How many of the repairs had each reason.
    """

    sequence: int
    finish_reason: str
    repairs: int
    undeclared_calls: int
    empty: bool
    repairs_by_reason: Mapping[RecoveryReason, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """A finished answer.

    Attributes:
        body_json: The body. For a stream: the Response object, or empty for a chat stream. Empty
            too if every sequence was cancelled.
        http_status: The status to send it with: 200, or 500 if the engine failed.
        prompt_tokens: Tokens of the prompt.
        completion_tokens: Tokens sampled, over all sequences.
        reasoning_tokens: Those of them that are reasoning.
        outcomes: One for each sequence, in the order of the choices.
    """

    body_json: bytes = field(repr=False)
    http_status: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    outcomes: Sequence[SequenceOutcome]

    def renamed(self, names: Sequence[int]) -> "AnswerResult":
        """Returns the result with other names for its sequences, in the order of the choices."""
        outcomes = [replace(outcome, sequence=names[outcome.sequence]) for outcome in self.outcomes]
        return replace(self, outcomes=outcomes)


@dataclass(frozen=True, slots=True)
class AnswerStepResult:
    """What a step of one answer gives.

    Attributes:
        frames: To be written to the client as they are; may be empty.
        stop_choices: Choices that the answer has ended. Stop sampling them; tokens that still come
            for them are skipped.
        continue_choices: Choices whose prompt has to be continued with `continue_tokens` of the
            context before sampling goes on.
        result: Set once, when the last sequence has ended.
    """

    frames: bytes = field(repr=False)
    stop_choices: Sequence[int] = ()
    continue_choices: Sequence[int] = ()
    result: AnswerResult | None = None
