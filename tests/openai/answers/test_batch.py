"""Many answers at once: each as alone."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools import material
from harmony_server.openai.answer_context import AnswerContext
from harmony_server.openai.answers import (
    Answer,
    AnswerBatch,
    AnswerInputError,
    AnswerResult,
    BatchStepResult,
    EndReason,
    LogprobColumns,
    SequenceEnd,
)
from tests.support.encodings import encoding, tokens_of

from .asking import FINAL, Streamed, chat, response
from .contexts import contexts, ends, tokens


class _Taken:
    """What a batch gave, by answer."""

    def __init__(self) -> None:
        self.frames: dict[int, bytes] = {}
        self.results: dict[int, AnswerResult] = {}
        self.stops: set[int] = set()

    def take(self, given: BatchStepResult) -> None:
        assert len(set(given.answer_ids)) == len(given.answer_ids) == len(given.frames)
        assert all(given.frames)
        assert given.unknown_sequence_ids == []
        for answer_id, frames in zip(given.answer_ids, given.frames, strict=True):
            assert answer_id not in self.results
            self.frames[answer_id] = self.frames.get(answer_id, b"") + frames
        self.results |= dict(given.ended)
        self.stops |= set(given.stop_sequence_ids)


@given(
    st.lists(st.tuples(contexts(), st.booleans(), tokens, ends), min_size=1, max_size=4),
    st.integers(1, 3),
    st.data(),
)
def test_each_answer_is_as_alone(
    asked: list[tuple[AnswerContext, bool, list[int], EndReason]],
    most: int,
    data: st.DataObject,
) -> None:
    """Answers of both APIs, streamed or not, interleaved anyhow, are each as if fed alone."""
    batch = AnswerBatch(encoding())
    taken = _Taken()
    alone: dict[int, tuple[bytes, AnswerResult]] = {}
    open_tokens: dict[int, list[int]] = {}
    for number, (drawn, stream, sampled, _) in enumerate(asked):
        context = dataclasses.replace(drawn, stream=stream)
        asked[number] = (context, stream, sampled, asked[number][3])
        batch.open(number, [100 + number], context)
        open_tokens[number] = list(sampled)
    answers = {number: Answer(encoding(), context) for number, (context, *_) in enumerate(asked)}
    frames = {number: answer.open() for number, answer in answers.items()}
    while open_tokens:
        ids: list[int] = []
        column: list[int] = []
        ending: list[SequenceEnd] = []
        for number in list(open_tokens):
            size = data.draw(st.integers(0, most))
            run = open_tokens[number][:size]
            del open_tokens[number][:size]
            ids += [100 + number] * len(run)
            column += run
            end: list[SequenceEnd] = []
            if not open_tokens[number]:
                del open_tokens[number]
                end = [SequenceEnd(0, asked[number][3])]
                ending.append(SequenceEnd(100 + number, asked[number][3]))
            step = answers[number].step(run, ends=end)
            frames[number] += step.frames
            if step.result is not None:
                alone[number] = (frames[number], step.result.renamed([100 + number]))
                open_tokens.pop(number, None)
        taken.take(batch.step(ids, column, ends=ending))
    assert batch.sequence_count == 0
    assert taken.results == {number: result for number, (_, result) in alone.items()}
    for number, (expected, _) in alone.items():
        assert taken.frames.get(number, b"") == expected


@pytest.mark.parametrize("size", [1, 8])
def test_long_answers_in_lock_step(size: int) -> None:
    """Real completions, of both APIs, give the frames that each gives alone."""
    contexts_: list[AnswerContext] = [chat(), response(), chat(stream=False), chat(stop=("the",))]
    completions = [material.completion(seed, 400) for seed in range(len(contexts_))]
    batch = AnswerBatch(encoding())
    for number, context in enumerate(contexts_):
        batch.open(number, [], context)
    taken = _Taken()
    length = min(map(len, completions)) // size * size
    open_numbers = set(range(len(contexts_)))
    for begin in range(0, length, size):
        numbers = sorted(open_numbers)
        column = [t for n in numbers for t in completions[n][begin : begin + size]]
        taken.take(batch.step([n for n in numbers for _ in range(size)], column))
        open_numbers -= set(taken.results)
    taken.take(batch.step([], [], ends=[SequenceEnd(n, EndReason.STOP) for n in open_numbers]))
    for number, context in enumerate(contexts_):
        sizes = [size] * (length // size)
        alone = Streamed(context, completions[number][:length], sizes=sizes)
        assert taken.frames.get(number, b"") == alone.frames
        assert taken.results[number] == alone.result.renamed([number])
    assert taken.stops == {3}


def test_the_choices_of_an_answer_are_sequences() -> None:
    """The frames of several sequences are put together for their answer, which stands once."""
    batch = AnswerBatch(encoding())
    batch.open(7, [30, 20], chat(choices=2))
    taken = _Taken()
    words = tokens_of(f"{FINAL}one two three")
    for token in words:
        taken.take(batch.step([20, 30], [token, token]))
    given = batch.step([], [], ends=[SequenceEnd(20, EndReason.STOP)])
    taken.take(given)
    assert not given.ended
    taken.take(batch.step([30], tokens_of("!"), ends=[SequenceEnd(30, EndReason.LENGTH)]))
    answer = Answer(encoding(), chat(choices=2))
    frames = answer.open()
    for token in words:
        frames += answer.step([token, token], [1, 0]).frames
    frames += answer.step([], ends=[SequenceEnd(1, EndReason.STOP)]).frames
    last = answer.step(tokens_of("!"), ends=[SequenceEnd(0, EndReason.LENGTH)])
    assert taken.frames == {7: frames + last.frames}
    assert [outcome.sequence for outcome in taken.results[7].outcomes] == [30, 20]


def test_log_probabilities_go_to_their_sequences() -> None:
    """The columns of a step are cut by sequence."""
    batch = AnswerBatch(encoding())
    header = tokens_of(FINAL)
    sampled = {1: [*header, *tokens_of("one")], 2: [*header, *tokens_of("two")]}
    for number in sampled:
        batch.open(number, [], chat(logprobs=True))
    taken = _Taken()
    for index in range(len(header) + 1):
        column = [sampled[1][index], sampled[2][index]]
        logprobs = LogprobColumns([-1.0, -2.0], [0, 1], [5], [-3.0])
        taken.take(batch.step([1, 2], column, logprobs))
    assert b'"token":"one","logprob":-1.0' in taken.frames[1]
    assert b'"token":"two","logprob":-2.0' in taken.frames[2]
    assert b'"logprob":-3.0' in taken.frames[2]
    assert b'"logprob":-3.0' not in taken.frames[1]


def test_sequences_that_are_not_open_are_named() -> None:
    """Tokens and ends of unknown sequences are skipped, and disturb no other answer."""
    batch = AnswerBatch(encoding())
    batch.open(1, [], chat())
    assert batch.step([1, 5], [5, 5]).unknown_sequence_ids == [5]
    assert batch.step([5, 1, 5], [5, 5, 5]).unknown_sequence_ids == [5]
    given = batch.step([], [], ends=[SequenceEnd(5, EndReason.STOP)])
    assert given.unknown_sequence_ids == [5]
    assert batch.sequence_count == 1


def test_finish_cancels_what_is_open() -> None:
    """The half-close ends every answer, without frames."""
    batch = AnswerBatch(encoding())
    for number in range(3):
        batch.open(number, [], chat())
    batch.step([0, 1, 2], tokens_of(FINAL)[:1] * 3)
    given = batch.finish()
    assert [answer_id for answer_id, _ in given.ended] == [0, 1, 2]
    assert given.frames == []
    assert batch.sequence_count == 0


def test_an_error_ends_one_answer_alone() -> None:
    """The engine's failure in one answer stops its other sequences, and no other answer's."""
    batch = AnswerBatch(encoding())
    batch.open(1, [10, 11], chat(choices=2))
    batch.open(2, [20], chat())
    given = batch.step([], [], ends=[SequenceEnd(10, EndReason.ERROR)])
    assert given.stop_sequence_ids == [11]
    assert [(answer_id, result.http_status) for answer_id, result in given.ended] == [(1, 500)]
    assert batch.sequence_count == 1


@pytest.mark.parametrize(
    ("answer_id", "names", "members", "field", "reason"),
    [
        (1, [], {}, "answer_id", "SEQUENCE_OPEN"),
        (2, [10], {}, "sequence_ids", "SEQUENCE_OPEN"),
        (2, [20, 20], {"choices": 2}, "sequence_ids", "SEQUENCE_OPEN"),
        (2, [20, 21], {}, "sequence_ids", "INVALID_FIELD"),
        (2, [], {"choices": 2}, "sequence_ids", "INVALID_FIELD"),
        (2, [], {"stop": ("",)}, "context.stop", "INVALID_CONTEXT"),
    ],
)
def test_an_opening_that_cannot_be_meant_is_refused(
    answer_id: int, names: list[int], members: dict[str, Any], field: str, reason: str
) -> None:
    """A name that is taken, or an invalid context, is an error; nothing is opened."""
    batch = AnswerBatch(encoding())
    batch.open(1, [10], chat())
    with pytest.raises(AnswerInputError) as error:
        batch.open(answer_id, names, chat(**members))
    assert (error.value.field, error.value.reason) == (field, reason)
    assert batch.sequence_count == 1


def test_columns_of_different_lengths_are_refused() -> None:
    """Nothing is read."""
    batch = AnswerBatch(encoding())
    batch.open(1, [], chat())
    with pytest.raises(AnswerInputError) as error:
        batch.step([1], [])
    assert error.value.field == "tokens"


def test_a_name_is_free_when_its_answer_has_ended() -> None:
    """The next step may open it again."""
    batch = AnswerBatch(encoding())
    for _ in range(2):
        batch.open(1, [], chat())
        batch.step([1], tokens_of("Hi"))
        given = batch.step([], [], ends=[SequenceEnd(1, EndReason.STOP)])
        assert [answer_id for answer_id, _ in given.ended] == [1]
