"""Converts Python arguments to the requests of the OpenAI layer, for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from harmony_client._enums import enum_label
from harmony_client.openai.v1 import openai_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

# Quoted: at run time a generated enum is not a class.
EndReason: TypeAlias = "openai_pb2.EndReason | str"
Framing: TypeAlias = "openai_pb2.Framing | str"

NO_ENDS: Final[Mapping[int, EndReason]] = MappingProxyType({})


def render_chat_completion_request(
    body: bytes, header: openai_pb2.AnswerHeader, policy: openai_pb2.RenderPolicy | None
) -> openai_pb2.RenderChatCompletionRequest:
    """Returns the request to render the body of a chat completion."""
    return openai_pb2.RenderChatCompletionRequest(body_json=body, header=header, policy=policy)


def render_model_response_request(
    body: bytes,
    header: openai_pb2.AnswerHeader,
    policy: openai_pb2.RenderPolicy | None,
    history: bytes | None,
) -> openai_pb2.RenderModelResponseRequest:
    """Returns the request to render the body of a model response."""
    return openai_pb2.RenderModelResponseRequest(
        body_json=body, header=header, policy=policy, history_json=history
    )


def build_answer_request(
    context: openai_pb2.AnswerContext, step: openai_pb2.AnswerStep
) -> openai_pb2.BuildAnswerRequest:
    """Returns the request to build a whole answer."""
    return openai_pb2.BuildAnswerRequest(context=context, step=step)


def answer_step(
    tokens: Iterable[int],
    choices: Iterable[int],
    ends: Mapping[int, EndReason],
    error_message: str | None,
    logprobs: openai_pb2.LogprobColumns | None,
    cached_prompt_tokens: int | None,
) -> openai_pb2.AnswerStep:
    """Returns the tokens and ends of one step of an answer.

    Raises ValueError for an unknown reason.
    """
    return openai_pb2.AnswerStep(
        tokens=tokens,
        choices=choices,
        ends=sequence_ends(ends, error_message),
        logprobs=logprobs,
        cached_prompt_tokens=cached_prompt_tokens,
    )


def open_answer(
    context: openai_pb2.AnswerContext, framing: Framing
) -> openai_pb2.StreamAnswerRequest:
    """Returns the first request of a stream."""
    return openai_pb2.StreamAnswerRequest(
        open=openai_pb2.OpenAnswer(context=context, framing=to_framing(framing))
    )


def sequence_ends(
    ends: Mapping[int, EndReason], error_message: str | None
) -> list[openai_pb2.SequenceEnd]:
    """Returns the ends of sequences; the message is for those that end with an error.

    Raises ValueError for an unknown reason.
    """
    return [sequence_end(sequence, reason, error_message) for sequence, reason in ends.items()]


def sequence_end(
    sequence: int, reason: EndReason, error_message: str | None
) -> openai_pb2.SequenceEnd:
    """Returns the end of a sequence.

    Raises ValueError for an unknown reason.
    """
    return openai_pb2.SequenceEnd(
        sequence=sequence,
        reason=enum_label(openai_pb2.EndReason, "END_REASON_", reason),
        error_message=error_message,
    )


def to_framing(framing: Framing) -> Framing:
    """Returns a framing that a field accepts.

    Raises ValueError for an unknown name.
    """
    return enum_label(openai_pb2.Framing, "FRAMING_", framing)
