"""Turns sampled tokens into the answers of OpenAI requests, within limits, and counts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from .. import bounds
from ..openai.answer_context import AnswerContext
from ..openai.answers import (
    Answer,
    AnswerBatch,
    AnswerInputError,
    AnswerResult,
    AnswerStepResult,
    BatchStepResult,
    Framing,
    LogprobColumns,
    SequenceEnd,
)
from .abandonment import stop_if_abandoned
from .errors import Reason, RequestError, invalid_field
from .operations import Operations


class OpenAnswer:
    """An answer in progress, whose choices count as open sequences until `close`.

    Args:
        operations: Gives the encoding, limits and counters.
        context: What the answer knows of its request.
        framing: How events become bytes.
        field: The path of what opens it, for errors.

    Raises:
        RequestError: INVALID_CONTEXT, the context cannot be meant; LIMIT_EXCEEDED, too many
            sequences are open.
    """

    def __init__(
        self, operations: Operations, context: AnswerContext, framing: Framing, field: str
    ) -> None:
        self._operations = operations
        with _faults_in(field):
            self._answer = Answer(operations.encoding, context, framing)
        operations.limits.sequences.take(_below(field, "context.choices"), context.choices)
        self._choices = context.choices

    def open(self) -> bytes:
        """Returns the frames that stand before the first token."""
        return self._answer.open()

    def step(
        self,
        tokens: Sequence[int],
        choices: Sequence[int],
        logprobs: LogprobColumns | None,
        ends: Sequence[SequenceEnd],
        cached_prompt_tokens: int | None,
    ) -> AnswerStepResult:
        """Takes the arguments of `Answer.step`, as fields of `step`, and returns its result.

        Raises:
            RequestError: INVALID_FIELD, the columns do not fit together; UNKNOWN_SEQUENCE, the
                answer has no such choice.
        """
        self._check_known(choices, "step.choices[{}]")
        self._check_known([end.sequence for end in ends], "step.ends[{}].sequence")
        self._operations.counters.count_parsed(len(tokens))
        frames: list[bytes] = []
        stops: list[int] = []
        continuations: list[int] = []
        with _faults_in("step"):
            if choices and len(choices) != len(tokens):
                raise AnswerInputError("choices", "must be as many as tokens")
            for part in _parts_before_last(len(tokens), logprobs):
                given = self._answer.step(tokens[part], choices[part])
                frames.append(given.frames)
                stops += given.stop_choices
                continuations += given.continue_choices
            part = _last_part(len(tokens), logprobs)
            last = self._answer.step(
                tokens[part], choices[part], logprobs, ends, cached_prompt_tokens
            )
        _count_repairs(self._operations, last.result)
        if not frames:
            return last
        return AnswerStepResult(
            b"".join((*frames, last.frames)),
            [*stops, *last.stop_choices],
            [*continuations, *last.continue_choices],
            last.result,
        )

    def finish(self) -> AnswerStepResult:
        """Ends every open sequence as if it were cancelled."""
        result = self._answer.finish()
        _count_repairs(self._operations, result.result)
        return result

    def close(self) -> None:
        """No longer counts the choices as open sequences; call it once."""
        self._operations.limits.sequences.give_back(self._choices)

    def _check_known(self, choices: Sequence[int], field: str) -> None:
        if choices and max(choices) >= self._choices:
            index = next(i for i, choice in enumerate(choices) if choice >= self._choices)
            raise RequestError(
                Reason.UNKNOWN_SEQUENCE,
                f"the answer has {self._choices} choices",
                field=field.format(index),
            )


def build(
    operations: Operations,
    context: AnswerContext,
    tokens: Sequence[int],
    choices: Sequence[int],
    logprobs: LogprobColumns | None,
    ends: Sequence[SequenceEnd],
    cached_prompt_tokens: int | None,
) -> AnswerResult:
    """Returns a whole answer as one body; the arguments are those of `OpenAnswer.step`.

    Raises:
        RequestError: As `OpenAnswer` and its `step`; INVALID_FIELD, a sequence does not end.
        AbandonedError: The caller has gone.
    """
    answer = OpenAnswer(operations, replace(context, stream=False), Framing.SSE, "")
    try:
        answer.open()
        result = answer.step(tokens, choices, logprobs, ends, cached_prompt_tokens).result
    finally:
        answer.close()
    if result is None:
        raise invalid_field("step.ends", "must end every sequence")
    return result


def _parts_before_last(count: int, logprobs: LogprobColumns | None) -> Iterator[slice]:
    """Yields the parts of many tokens but the last; between them, work without a caller stops.

    Tokens with log probabilities are one part.
    """
    last = _last_part(count, logprobs).start
    for begin in range(0, last, bounds.MAX_ANSWERED_TOKENS_AT_ONCE):
        stop_if_abandoned()
        yield slice(begin, begin + bounds.MAX_ANSWERED_TOKENS_AT_ONCE)


def _last_part(count: int, logprobs: LogprobColumns | None) -> slice:
    size = bounds.MAX_ANSWERED_TOKENS_AT_ONCE
    return slice(0 if logprobs is not None else max(count - 1, 0) // size * size, count)


def _joined(results: Sequence[BatchStepResult]) -> BatchStepResult:
    """Returns several steps as one: an answer has at most one entry of frames."""
    frames: dict[int, bytes] = {}
    joined = BatchStepResult([], [], [], [], [], [])
    for result in results:
        for answer_id, part in zip(result.answer_ids, result.frames, strict=True):
            frames[answer_id] = frames.get(answer_id, b"") + part
        joined.stop_sequence_ids += result.stop_sequence_ids
        joined.continue_sequence_ids += result.continue_sequence_ids
        joined.ended += result.ended
        joined.unknown_sequence_ids += result.unknown_sequence_ids
    joined.answer_ids, joined.frames = list(frames), list(frames.values())
    return joined


def _count_repairs(operations: Operations, result: AnswerResult | None) -> None:
    """Counts the repairs of an answer that has ended."""
    for outcome in result.outcomes if result else ():
        operations.counters.count_repairs(outcome.repairs_by_reason)


@contextmanager
def _faults_in(field: str) -> Iterator[None]:
    """Turns errors of the input into those of a request, with paths below `field`."""
    try:
        yield
    except AnswerInputError as error:
        path = _below(field, error.field)
        raise RequestError(Reason(error.reason), error.message, field=path) from None


def _below(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


class OpenAnswers:
    """The answers in progress of one batch stream, whose choices count as open sequences.

    Args:
        operations: Gives the encoding, limits and counters.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._batch = AnswerBatch(operations.encoding)
        self._sequences: dict[int, Sequence[int]] = {}

    def is_open(self, answer_id: int) -> bool:
        """Returns whether an answer is open."""
        return answer_id in self._sequences

    def sequences(self, answer_id: int) -> Sequence[int]:
        """Returns the sequences of an open answer."""
        return self._sequences[answer_id]

    def open(
        self,
        answer_id: int,
        sequence_ids: Sequence[int],
        context: AnswerContext,
        framing: Framing,
        field: str,
    ) -> None:
        """Opens an answer; its first frames come with the next step.

        Args:
            answer_id: The id of the answer.
            sequence_ids: The ids of its sequences; empty: one, the id of the answer.
            context: What the answer knows of its request.
            framing: How events become bytes.
            field: The path of the opening, for errors.

        Raises:
            RequestError: INVALID_CONTEXT or INVALID_FIELD, the context or the ids cannot be meant;
                SEQUENCE_OPEN, an id is taken; LIMIT_EXCEEDED, too many sequences are open.
        """
        allowance = self._operations.limits.sequences
        allowance.take(field, context.choices)
        try:
            with _faults_in(field):
                self._batch.open(answer_id, sequence_ids, context, framing)
        except BaseException:
            allowance.give_back(context.choices)
            raise
        self._sequences[answer_id] = sequence_ids or (answer_id,)

    def step(
        self,
        sequence_ids: Sequence[int],
        tokens: Sequence[int],
        logprobs: LogprobColumns | None,
        ends: Sequence[SequenceEnd],
        cached_prompt_tokens: Mapping[int, int],
    ) -> BatchStepResult:
        """Takes the arguments of `AnswerBatch.step`, and returns its result.

        Raises:
            RequestError: INVALID_FIELD, the columns do not fit together.
        """
        self._operations.counters.count_parsed(len(tokens))
        earlier: list[BatchStepResult] = []
        with _faults_in(""):
            for part in _parts_before_last(len(tokens), logprobs):
                earlier.append(self._batch.step(sequence_ids[part], tokens[part]))
                self._note_ended(earlier[-1])
            part = _last_part(len(tokens), logprobs)
            last = self._batch.step(
                sequence_ids[part], tokens[part], logprobs, ends, cached_prompt_tokens
            )
        self._note_ended(last)
        return _joined([*earlier, last]) if earlier else last

    def finish(self) -> BatchStepResult:
        """Ends every open sequence as if it were cancelled."""
        result = self._batch.finish()
        self._note_ended(result)
        return result

    def close(self) -> None:
        """No longer counts the choices as open sequences; call it once."""
        for answer_id in list(self._sequences):
            self._drop(answer_id)

    def _note_ended(self, result: BatchStepResult) -> None:
        for answer_id, answer in result.ended:
            self._drop(answer_id)
            _count_repairs(self._operations, answer)

    def _drop(self, answer_id: int) -> None:
        self._operations.limits.sequences.give_back(len(self._sequences.pop(answer_id)))
