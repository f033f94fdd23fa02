"""Reads the steps of one answer, for StreamAnswer and BuildAnswer."""

from typing import NamedTuple

from harmony_client.openai.v1 import openai_pb2 as pb

from ..contract import openai_from_proto
from ..openai.answers import LogprobColumns, SequenceEnd
from ..operations.limits import Limits


class Step(NamedTuple):
    """The arguments of `Answer.step`."""

    tokens: list[int]
    choices: list[int]
    logprobs: LogprobColumns | None
    ends: list[SequenceEnd]
    cached_prompt_tokens: int | None


def read_step(proto: pb.AnswerStep, limits: Limits) -> Step:
    """Returns a step, the path of which is `step`.

    Raises:
        RequestError: LIMIT_EXCEEDED, a field has too many entries; INVALID_FIELD, an end has no
            reason, or the log probabilities do not fit the tokens.
    """
    tokens = proto.tokens[:]
    limits.check_tokens(len(tokens), "step.tokens")
    limits.check_tokens(len(proto.ends), "step.ends")
    logprobs = None
    if proto.HasField("logprobs"):
        logprobs = openai_from_proto.convert_logprobs(proto.logprobs, "step.logprobs", len(tokens))
    return Step(
        tokens,
        proto.choices[:],
        logprobs,
        [
            openai_from_proto.convert_end(end, f"step.ends[{index}]")
            for index, end in enumerate(proto.ends)
        ],
        proto.cached_prompt_tokens if proto.HasField("cached_prompt_tokens") else None,
    )
