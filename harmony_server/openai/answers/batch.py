"""Many answers at once: one step of an engine gives each of their sequences a token or some."""

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...core import HarmonyEncoding
from ...core.lock_step import LockStep, empty_indices
from ..answer_context import AnswerContext
from .answer import Answer
from .ends import EndReason, SequenceEnd
from .errors import AnswerInputError
from .framing import Framing
from .json_bytes import TOKEN_TEXTS, quoted
from .logprobs import LogprobColumns, TokenLogprob, read_columns
from .results import AnswerResult
from .sequence import AnswerSequence


@dataclass(slots=True)
class BatchStepResult:
    """What a step of a batch gives.

    Attributes:
        answer_ids: For each entry of `frames` its answer; an answer stands at most once.
        frames: To be written to the clients as they are; never empty.
        stop_sequence_ids: Sequences that their answers have ended. Stop sampling them; tokens that
            still come for them are skipped until their answer has ended.
        continue_sequence_ids: Sequences to continue with `continue_tokens` of their context.
        ended: The answers whose last sequence has ended, and their results.
        unknown_sequence_ids: Sequences that are not open, whose tokens and ends were skipped.
    """

    answer_ids: list[int]
    frames: list[bytes] = field(repr=False)
    stop_sequence_ids: list[int]
    continue_sequence_ids: list[int]
    ended: list[tuple[int, AnswerResult]]
    unknown_sequence_ids: list[int]


class _OpenAnswer(NamedTuple):
    answer_id: int
    sequence_ids: Sequence[int]
    answer: Answer


class _Member(NamedTuple):
    """A sequence of an open answer."""

    owner: _OpenAnswer
    sequence: AnswerSequence


class AnswerBatch:
    """Many answers, fed in columns. An answer gives the same as alone.

    Args:
        encoding: Parses the tokens.
    """

    def __init__(self, encoding: HarmonyEncoding) -> None:
        self._encoding = encoding
        self._answers: dict[int, _OpenAnswer] = {}
        self._members: dict[int, _Member] = {}
        # Answers with frames from their opening.
        self._opened: list[_OpenAnswer] = []
        # The sequences of the last step, as an engine usually steps the same ones again.
        self._group: _Group | None = None

    @property
    def sequence_count(self) -> int:
        """How many sequences are open: all those of answers that have not ended."""
        return len(self._members)

    def open(
        self,
        answer_id: int,
        sequence_ids: Sequence[int],
        context: AnswerContext,
        framing: Framing = Framing.SSE,
    ) -> None:
        """Opens an answer; its first frames come with the next step.

        Args:
            answer_id: The caller's name for the answer, unique among the open ones.
            sequence_ids: The caller's names for its sequences, in the order of the choices, unique
                among the open ones. Empty: one sequence, named as the answer.
            context: What the answer knows of its request.
            framing: How events are put into bytes.

        Raises:
            AnswerInputError: The context cannot be meant, or a name is taken. Nothing was opened.
        """
        if answer_id in self._answers:
            raise AnswerInputError("answer_id", "the answer is open already", "SEQUENCE_OPEN")
        names = list(sequence_ids) or [answer_id]
        if len(names) != context.choices:
            raise AnswerInputError("sequence_ids", "must be as many as the choices of the context")
        if len(set(names)) < len(names) or not self._members.keys().isdisjoint(names):
            message = "a sequence is open already"
            raise AnswerInputError("sequence_ids", message, "SEQUENCE_OPEN")
        answer = Answer(self._encoding, context, framing)
        opened = _OpenAnswer(answer_id, names, answer)
        answer.writer.open()
        self._answers[answer_id] = opened
        for name, sequence in zip(names, answer.sequences, strict=True):
            self._members[name] = _Member(opened, sequence)
        self._opened.append(opened)
        self._settle()

    def step(
        self,
        sequence_ids: Sequence[int],
        tokens: Sequence[int],
        logprobs: LogprobColumns | None = None,
        ends: Sequence[SequenceEnd] = (),
        cached_prompt_tokens: Mapping[int, int] | None = None,
    ) -> BatchStepResult:
        """Reads tokens, then ends.

        Args:
            sequence_ids: For each token its sequence.
            tokens: Token ids from 0 to 2³² - 1.
            logprobs: Parallel to `tokens`; used where the request wants them.
            ends: Sequences that end behind these tokens.
            cached_prompt_tokens: For answers, how many prompt tokens came from a cache.

        Raises:
            AnswerInputError: The columns do not fit together. Nothing was read.
        """
        if len(sequence_ids) != len(tokens):
            raise AnswerInputError("tokens", "must be as many as sequence_ids")
        step = _Step()
        for answer_id, count in (cached_prompt_tokens or {}).items():
            opened = self._answers.get(answer_id)
            if opened is not None:
                opened.answer.cached_prompt_tokens = count
        for opened in self._opened:
            step.touch(opened)
        self._opened = []
        if logprobs is not None:
            self._read_with_logprobs(sequence_ids, tokens, logprobs, step)
        elif (group := self._find_group(sequence_ids)) is not None:
            group.read(tokens, step)
        else:
            self._read_runs(sequence_ids, tokens, step)
        if ends:
            self._settle()
            self._end(ends, step)
        return self._finish_step(step)

    def finish(self) -> BatchStepResult:
        """Ends every open sequence as if it were cancelled."""
        names = list(self._members)
        return self.step((), (), ends=[SequenceEnd(name, EndReason.CANCELLED) for name in names])

    def _read_runs(self, sequence_ids: Sequence[int], tokens: Sequence[int], step: "_Step") -> None:
        self._settle()
        runs: dict[int, list[int]] = {}
        for sequence_id, token in zip(sequence_ids, tokens, strict=True):
            runs.setdefault(sequence_id, []).append(token)
        members, touched = self._members, step.touched
        for sequence_id, run in runs.items():
            member = members.get(sequence_id)
            if member is None:
                step.result.unknown_sequence_ids.append(sequence_id)
                continue
            owner, sequence = member
            text = sequence.take_plain(run)
            if not text:
                sequence.read(run)
                step.touch(owner)
                continue
            frame = quoted(text).join(sequence.pieces)
            writer = owner.answer.writer
            if writer.tails is not None:
                frame += next(writer.tails)
            if len(owner.sequence_ids) > 1 or owner.answer_id in touched:
                writer.frames.append(frame)
                step.touch(owner)
            elif frame:
                step.result.answer_ids.append(owner.answer_id)
                step.result.frames.append(frame)

    def _read_with_logprobs(
        self,
        sequence_ids: Sequence[int],
        tokens: Sequence[int],
        logprobs: LogprobColumns,
        step: "_Step",
    ) -> None:
        records = read_columns(logprobs, tokens)
        self._settle()
        runs: dict[int, tuple[list[int], list[TokenLogprob]]] = {}
        for sequence_id, token, record in zip(sequence_ids, tokens, records, strict=True):
            run, of_run = runs.setdefault(sequence_id, ([], []))
            run.append(token)
            of_run.append(record)
        for sequence_id, (run, of_run) in runs.items():
            member = self._members.get(sequence_id)
            if member is None:
                step.result.unknown_sequence_ids.append(sequence_id)
            else:
                member.sequence.read(run, of_run)
                step.touch(member.owner)

    def _end(self, ends: Iterable[SequenceEnd], step: "_Step") -> None:
        for end in ends:
            member = self._members.get(end.sequence)
            if member is None:
                step.result.unknown_sequence_ids.append(end.sequence)
                continue
            owner = member.owner
            index = owner.sequence_ids.index(end.sequence)
            owner.answer.end(SequenceEnd(index, end.reason, end.error_message))
            step.touch(owner)

    def _finish_step(self, step: "_Step") -> BatchStepResult:
        result = step.result
        positions: dict[int, int] = {}
        if step.touched:
            positions = {answer_id: index for index, answer_id in enumerate(result.answer_ids)}
        for owner in step.touched.values():
            given = owner.answer.take_step()
            if given.frames and owner.answer_id in positions:
                result.frames[positions[owner.answer_id]] += given.frames
            elif given.frames:
                result.answer_ids.append(owner.answer_id)
                result.frames.append(given.frames)
            names = owner.sequence_ids
            result.stop_sequence_ids += [names[index] for index in given.stop_choices]
            result.continue_sequence_ids += [names[index] for index in given.continue_choices]
            if given.result is not None:
                result.ended.append((owner.answer_id, given.result.renamed(names)))
                self._close(owner)
        return result

    def _close(self, owner: _OpenAnswer) -> None:
        self._settle()
        del self._answers[owner.answer_id]
        for name in owner.sequence_ids:
            del self._members[name]

    def _find_group(self, sequence_ids: Sequence[int]) -> "_Group | None":
        """Returns the group of these sequences, or None if one of them appears twice."""
        group = self._group
        names = sequence_ids if type(sequence_ids) is list else list(sequence_ids)
        if group is not None and group.ids == names:
            return group
        self._settle()
        if len(set(names)) == len(names):
            self._group = _Group(names, [self._members.get(name) for name in names])
        return self._group

    def _settle(self) -> None:
        if self._group is not None:
            self._group.settle()
            self._group = None


class _Step:
    """What one step has given so far.

    Attributes:
        result: The result; without the answers in `touched`.
        touched: Answers that may have more to give, by their ids.
    """

    __slots__ = ("result", "touched")

    def __init__(self) -> None:
        self.result = BatchStepResult([], [], [], [], [], [])
        self.touched: dict[int, _OpenAnswer] = {}

    def touch(self, owner: _OpenAnswer) -> None:
        """Notes that an answer may have something to give."""
        self.touched[owner.answer_id] = owner


class _Group:
    """Sequences that each get one token a step: the hot path, an engine's usual step.

    A token that only adds text makes its frame from bytes that are at hand, for all sequences in a
    few passes over lists.

    Args:
        ids: The ids of the sequences, all different.
        members: The sequence of each, or None for one that is not open.
    """

    __slots__ = (
        "_answer_ids",
        "_is_one_each",
        "_lock_step",
        "_members",
        "_pieces",
        "_tails",
        "ids",
    )

    def __init__(self, ids: list[int], members: Sequence[_Member | None]) -> None:
        self.ids = ids
        self._members = members
        self._lock_step = LockStep(
            ids, [None if member is None else member.sequence for member in members]
        )
        self._answer_ids = [0 if member is None else member.owner.answer_id for member in members]
        owners = [member.owner.answer_id for member in members if member is not None]
        self._is_one_each = len(set(owners)) == len(owners)
        self._pieces: list[Sequence[bytes]] = [
            () if member is None else member.sequence.pieces for member in members
        ]
        # What stands behind the pieces of each sequence's frames; None if nothing does anywhere.
        tails = [None if member is None else member.owner.answer.writer.tails for member in members]
        self._tails: list[Iterator[bytes]] | None = None
        if any(tails):
            self._tails = [_NO_TAILS if of_one is None else of_one for of_one in tails]

    def read(self, tokens: Sequence[int], step: _Step) -> None:
        """Reads one token for each sequence."""
        texts = self._lock_step.step(tokens if type(tokens) is list else list(tokens))
        frames = list(map(_join, map(_quote, texts), self._pieces))
        empty = empty_indices(texts)
        if self._tails is not None:
            tails = self._tails
            if empty:
                tails = tails.copy()
                for index in empty:
                    tails[index] = _NO_TAILS
            frames = list(map(operator.add, frames, map(next, tails)))
        if self._is_one_each:
            self._finish_one_each(empty, frames, tokens, step)
        else:
            self._finish_in_order(texts, frames, tokens, step)

    def settle(self) -> None:
        """Brings every sequence up to date; do not use this object afterwards."""
        self._lock_step.settle()

    def _finish_one_each(
        self, empty: list[int], frames: list[bytes], tokens: Sequence[int], step: _Step
    ) -> None:
        """Reads the other tokens; no two sequences are of one answer."""
        for index in empty:
            member = self._read_one(index, tokens[index], step)
            # An answer that has more to say says it all in the end.
            if member is None or member.owner.answer_id in step.touched:
                frames[index] = b""
            else:
                frames[index] = member.owner.answer.take_frames()
        if all(frames):
            step.result.answer_ids = self._answer_ids.copy()
            step.result.frames = frames
        else:
            step.result.answer_ids = list(itertools.compress(self._answer_ids, frames))
            step.result.frames = list(filter(None, frames))

    def _finish_in_order(
        self, texts: list[str], frames: list[bytes], tokens: Sequence[int], step: _Step
    ) -> None:
        """Reads the other tokens, and leaves all frames to the answers, in their order."""
        for index, member in enumerate(self._members):
            if not texts[index]:
                self._read_one(index, tokens[index], step)
            if member is not None:
                if texts[index]:
                    member.owner.answer.writer.frames.append(frames[index])
                step.touch(member.owner)

    def _read_one(self, index: int, token: int, step: _Step) -> _Member | None:
        """Reads the token of a sequence that does not only add text."""
        member = self._members[index]
        if member is None:
            step.result.unknown_sequence_ids.append(self.ids[index])
            return None
        self._lock_step.before_reading(index)
        sequence = member.sequence
        sequence.read_one(token)
        self._lock_step.after_reading(index)
        self._pieces[index] = sequence.pieces
        if sequence.is_ended or sequence.has_new_continuation:
            step.touch(member.owner)
        return member


_NO_TAILS = itertools.repeat(b"")
_join: Callable[[bytes, Sequence[bytes]], bytes] = bytes.join
_quote: Callable[[str], bytes] = TOKEN_TEXTS.__getitem__
