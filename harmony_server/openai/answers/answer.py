"""One answer: the tokens of its choices to what an OpenAI client reads."""

import dataclasses
from collections.abc import Iterable, Sequence

from ...core import HarmonyEncoding
from ..answer_context import AnswerContext, Api
from .chat_answer import ChatAnswer
from .context_checks import check_context
from .ends import EndReason, SequenceEnd
from .errors import AnswerInputError
from .framing import Framing
from .logprobs import LogprobColumns, TokenLogprob, read_columns
from .message_kind import Classifier
from .response_answer import ResponseAnswer
from .results import AnswerResult, AnswerStepResult
from .sequence import AnswerSequence
from .stop_strings import StopStrings
from .usage import Usage
from .writer import ENGINE_FAILED, AnswerWriter


class Answer:
    """One answer, of either API, streamed or not. No tokens are an error.

    How the tokens are cut into steps changes only how the text is cut into frames.

    Args:
        encoding: Parses the tokens.
        context: What the answer knows of its request.
        framing: How events are put into bytes.

    Attributes:
        sequences: The answer's sequences, in the order of the choices.
        writer: Writes the frames.
        cached_prompt_tokens: How many tokens of the prompt came from a cache.
        is_ended: Whether the result has been returned.

    Raises:
        AnswerInputError: The context cannot be meant.
    """

    def __init__(
        self, encoding: HarmonyEncoding, context: AnswerContext, framing: Framing = Framing.SSE
    ) -> None:
        check_context(context)
        self._context = context
        self.writer: AnswerWriter = _writer(context, framing)
        classifier = Classifier(context)
        stop = StopStrings(context.stop)
        self.sequences = [
            AnswerSequence(encoding, context, classifier, stop, sink, index)
            for index, sink in enumerate(self.writer.sinks)
        ]
        self.cached_prompt_tokens = 0
        self._error: str | None = None
        self._is_cancelled = [False] * context.choices
        self.is_ended = False

    def open(self) -> bytes:
        """Returns the frames that stand before the first token. Call it once, before any step."""
        self.writer.open()
        return self.take_frames()

    def step(
        self,
        tokens: Sequence[int],
        choices: Sequence[int] = (),
        logprobs: LogprobColumns | None = None,
        ends: Sequence[SequenceEnd] = (),
        cached_prompt_tokens: int | None = None,
    ) -> AnswerStepResult:
        """Reads tokens, then ends.

        Args:
            tokens: Token ids from 0 to 2³² - 1, each as it was sampled and once.
            choices: For each token the index of its choice. Empty: choice 0.
            logprobs: Parallel to `tokens`; ignored unless the request wants them.
            ends: Sequences that end behind these tokens.
            cached_prompt_tokens: Prompt tokens that came from a cache; the last word counts.

        Raises:
            AnswerInputError: The columns do not fit together, or a choice does not exist. Nothing
                was read.
        """
        self._check(tokens, choices, ends)
        records = self._read_logprobs(logprobs, tokens)
        if cached_prompt_tokens is not None:
            self.cached_prompt_tokens = cached_prompt_tokens
        if not choices:
            self.sequences[0].read(tokens, records)
        else:
            for choice, indices in _by_choice(choices).items():
                self.sequences[choice].read(
                    [tokens[index] for index in indices],
                    None if records is None else [records[index] for index in indices],
                )
        for end in ends:
            self.end(end)
        return self.take_step()

    def finish(self) -> AnswerStepResult:
        """Ends every open sequence as if it were cancelled."""
        for index in range(len(self.sequences)):
            self.end(SequenceEnd(index, EndReason.CANCELLED))
        return self.take_step()

    def end(self, end: SequenceEnd) -> None:
        """Ends a sequence, unless it has ended. The failure of one ends all of them."""
        sequence = self.sequences[end.sequence]
        if sequence.is_ended:
            return
        written = len(self.writer.frames)
        sequence.finish(end.reason)
        if end.reason is EndReason.CANCELLED:
            del self.writer.frames[written:]
            self._is_cancelled[end.sequence] = True
        elif end.reason is EndReason.ERROR:
            self._error = ENGINE_FAILED if end.error_message is None else end.error_message
            for other in self.sequences:
                if not other.is_ended:
                    other.finish(EndReason.ERROR)
                    other.has_new_stop = True

    def take_frames(self) -> bytes:
        """Returns the frames that nobody has taken yet."""
        frames = self.writer.frames
        joined = b"".join(frames)
        frames.clear()
        return joined

    def take_step(self) -> AnswerStepResult:
        """Returns what the tokens and the ends since the last call gave."""
        stops = []
        continuations = []
        for index, sequence in enumerate(self.sequences):
            if sequence.has_new_stop:
                sequence.has_new_stop = False
                stops.append(index)
            if sequence.has_new_continuation:
                sequence.has_new_continuation = False
                continuations.append(index)
        result = self._take_result()
        return AnswerStepResult(self.take_frames(), stops, continuations, result)

    def _take_result(self) -> AnswerResult | None:
        if self.is_ended or not all(sequence.is_ended for sequence in self.sequences):
            return None
        self.is_ended = True
        usage = Usage(
            self._context.prompt_tokens,
            self.cached_prompt_tokens,
            sum(sequence.completion_tokens for sequence in self.sequences),
            sum(sequence.reasoning_tokens for sequence in self.sequences),
        )
        if all(self._is_cancelled):
            body = self.writer.cancel()
        else:
            body = self.writer.close(usage, self._error)
        return AnswerResult(
            body,
            200 if self._error is None else 500,
            usage.prompt,
            usage.completion,
            usage.reasoning,
            [sequence.outcome() for sequence in self.sequences],
        )

    def _check(
        self,
        tokens: Sequence[int],
        choices: Sequence[int],
        ends: Iterable[SequenceEnd],
    ) -> None:
        if choices and len(choices) != len(tokens):
            raise AnswerInputError("choices", "must be as many as tokens")
        if choices and not 0 <= min(choices) <= max(choices) < len(self.sequences):
            raise self._unknown("choices")
        for index, end in enumerate(ends):
            if not 0 <= end.sequence < len(self.sequences):
                raise self._unknown(f"ends[{index}].sequence")

    def _unknown(self, field: str) -> AnswerInputError:
        return AnswerInputError(
            field, f"must be below {len(self.sequences)}, the number of choices"
        )

    def _read_logprobs(
        self, logprobs: LogprobColumns | None, tokens: Sequence[int]
    ) -> list[TokenLogprob] | None:
        if logprobs is None or not self._context.logprobs:
            return None
        return read_columns(logprobs, tokens)


def build_answer(
    encoding: HarmonyEncoding,
    context: AnswerContext,
    tokens: Sequence[int],
    choices: Sequence[int],
    ends: Sequence[SequenceEnd],
    logprobs: LogprobColumns | None = None,
    cached_prompt_tokens: int | None = None,
) -> AnswerResult:
    """Returns a whole answer; `stream` in the context is ignored.

    Raises:
        AnswerInputError: As `Answer.step`, or a sequence does not end.
    """
    answer = Answer(encoding, dataclasses.replace(context, stream=False))
    answer.open()
    result = answer.step(tokens, choices, logprobs, ends, cached_prompt_tokens).result
    if result is None:
        raise AnswerInputError("ends", "must end every sequence")
    return result


def _writer(context: AnswerContext, framing: Framing) -> AnswerWriter:
    if context.api is Api.CHAT_COMPLETIONS:
        return ChatAnswer(context, framing)
    return ResponseAnswer(context, framing)


def _by_choice(choices: Sequence[int]) -> dict[int, list[int]]:
    """Returns the indices of the tokens of each choice, in the order of their appearance."""
    indices: dict[int, list[int]] = {}
    for index, choice in enumerate(choices):
        indices.setdefault(choice, []).append(index)
    return indices
