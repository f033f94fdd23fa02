"""Renders that say whose each token is, and which tokens carry loss."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from harmony_client.v1 import parse_pb2, service_pb2

AttributedResponse: TypeAlias = (
    service_pb2.RenderConversationResponse
    | service_pb2.RenderConversationForCompletionResponse
    | service_pb2.RenderConversationForTrainingResponse
)


class TokenRun(NamedTuple):
    """Consecutive tokens of one message, or of one part of it."""

    begin: int
    """The offset of the first token."""
    end: int
    """The offset after the last one."""
    message: int
    """The index of the message in the request; that of the next message at a prompt's end."""
    part: service_pb2.TokenPart
    """The part of the message; TOKEN_PART_UNSPECIFIED with level "messages"."""
    content: int
    """The index of the content; 0 for other parts."""


class AttributedRender(NamedTuple):
    """Rendered tokens that know whose they are."""

    tokens: list[int]
    """The token ids."""
    runs: list[TokenRun]
    """What they are: runs without gaps."""
    loss_mask: bytes | None
    """A byte for each token, 1 if it carries loss; None unless a policy was given."""


class Continuation(NamedTuple):
    """What follows sampled tokens: the next prompt is `prompt + sampled[:kept] + tokens`."""

    kept: int
    """How many of the sampled tokens stay."""
    tokens: list[int]
    """The token ids that follow."""
    closed: bool
    """Whether the first of them is an `<|end|>` that closes the sampled message."""
    runs: list[TokenRun]
    """What the tokens are, that `<|end|>` excepted; empty unless asked for."""
    cuts: list[parse_pb2.TokenRange]
    """The ranges of the sampled tokens to leave out; empty unless analysis is dropped."""


def read_attributed(response: AttributedResponse, *, has_loss: bool) -> AttributedRender:
    """Returns an attributed render, with a loss mask if the request had a policy."""
    loss_mask = None
    if has_loss and isinstance(response, service_pb2.RenderConversationForTrainingResponse):
        loss_mask = _read_loss_mask(response.loss_runs)
    return AttributedRender(list(response.tokens), _read_runs(response.runs), loss_mask)


def _read_runs(runs: service_pb2.TokenRuns, begin: int = 0) -> list[TokenRun]:
    """Returns the runs that a response has as columns; the first begins at `begin`."""
    count = len(runs.lengths)
    found = []
    for length, message, part, content in zip(
        runs.lengths,
        runs.messages,
        runs.parts or [service_pb2.TOKEN_PART_UNSPECIFIED] * count,
        runs.contents or [0] * count,
        strict=True,
    ):
        end = begin + length
        found.append(TokenRun(begin, end, message, part, content))
        begin = end
    return found


def _read_loss_mask(loss_runs: Iterable[int]) -> bytes:
    """Returns the mask that a response has as lengths of runs without and with loss, in turn."""
    return b"".join(
        (b"\1" if index % 2 else b"\0") * length for index, length in enumerate(loss_runs)
    )


def read_continuation(response: service_pb2.RenderContinuationResponse) -> Continuation:
    """Returns a continuation."""
    return Continuation(
        kept=response.kept,
        tokens=list(response.tokens),
        closed=response.closed,
        runs=_read_runs(response.runs, begin=int(response.closed)),
        cuts=[
            parse_pb2.TokenRange(begin=begin, end=end)
            for begin, end in zip(response.cut_begins, response.cut_ends, strict=True)
        ],
    )
