"""Sampled tokens to what OpenAI clients read: frames of a stream, or one body."""

from .answer import Answer, build_answer
from .batch import AnswerBatch, BatchStepResult
from .ends import EndReason, SequenceEnd
from .errors import AnswerInputError
from .framing import Framing
from .logprobs import LogprobColumns
from .results import AnswerResult, AnswerStepResult, SequenceOutcome

__all__ = [
    "Answer",
    "AnswerBatch",
    "AnswerInputError",
    "AnswerResult",
    "AnswerStepResult",
    "BatchStepResult",
    "EndReason",
    "Framing",
    "LogprobColumns",
    "SequenceEnd",
    "SequenceOutcome",
    "build_answer",
]
