"""How sampled tokens go on: what of them stays, and whether their last message needs an end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .attribution import TokenRuns
from .chat import Message, Role
from .conversation_rules import AnalysisRule, plan_conversation
from .errors import ParseError, RenderError
from .events import Event, MessageCompleted, TokenRange
from .structure import STOP_TOKENS, structural_offsets
from .tokenizer import MESSAGE, RETURN, START

_FIRST_SEARCH = 256


@dataclass(slots=True)
class Continuation:
    """What follows sampled tokens in the next prompt.

    The next prompt is `prompt + sampled[:kept] + tokens`, without the ranges in `cuts`.

    Attributes:
        kept: How many of the sampled tokens stay.
        tokens: The token ids that follow.
        closed: Whether the first of `tokens` is an `<|end|>` that closes the sampled message.
        runs: What the tokens behind that `<|end|>` are; indices are those of the new messages.
        cuts: The ranges of the sampled tokens to leave out, ascending; empty unless asked for.
    """

    kept: int
    tokens: list[int]
    closed: bool
    runs: TokenRuns
    cuts: list[TokenRange]


class SampledEnd(NamedTuple):
    """How sampled tokens end.

    Attributes:
        kept: How many of them stay.
        is_open: Whether their last message needs an `<|end|>`.
    """

    kept: int
    is_open: bool


def plan_continuation(
    sampled: Sequence[int],
    messages: Iterable[Message],
    role: Role | None,
    *,
    keep_return: bool,
    parse: Callable[[Sequence[int]], Iterable[Event]] | None,
) -> tuple[SampledEnd, list[TokenRange]]:
    """Returns how sampled tokens end, and the ranges to leave out of the next prompt.

    Args:
        sampled: The token ids.
        messages: The messages that follow; read only to find what to leave out.
        role: The role at the end of the prompt, if the tokens begin inside its header.
        keep_return: Whether a `<|return|>` at the end stays.
        parse: Parses whole messages, to leave out analysis. None to leave out nothing.

    Raises:
        RenderError: The tokens end inside a header or outside any message, or cannot be parsed.
    """
    end = _find_end(sampled, role, keep_return=keep_return)
    if parse is None:
        return end, []
    try:
        events = parse(sampled[: end.kept])
        parsed = [event for event in events if isinstance(event, MessageCompleted)]
    except ParseError as error:
        raise RenderError(str(error), field="sampled") from None
    return _find_cuts(parsed, len(sampled), end, list(messages))


def _find_end(sampled: Sequence[int], role: Role | None, *, keep_return: bool) -> SampledEnd:
    """Returns how sampled tokens end; looks only at the tokens from the last structural one on.

    `<|return|>` becomes `<|end|>`, as in the history of a conversation, unless it is to be kept.

    Args:
        sampled: The token ids.
        role: The role at the end of the prompt, if the tokens begin inside its header.
        keep_return: Whether a `<|return|>` at the end stays.

    Raises:
        RenderError: They end inside a header or outside any message.
    """
    count = len(sampled)
    offset = _find_last_boundary(sampled)
    if offset is None:
        problem = "end outside any message" if role is None else "end inside a header"
    elif sampled[offset] == MESSAGE:
        return SampledEnd(count, is_open=True)
    elif sampled[offset] == START:
        problem = "end inside a header"
    elif offset < count - 1:
        problem = "end outside any message"
    elif sampled[offset] == RETURN and not keep_return:
        return SampledEnd(count - 1, is_open=True)
    else:
        return SampledEnd(count, is_open=False)
    raise RenderError(f"the sampled tokens {problem}", field="sampled")


def _find_cuts(
    parsed: Sequence[MessageCompleted],
    count: int,
    end: SampledEnd,
    messages: Sequence[Message],
) -> tuple[SampledEnd, list[TokenRange]]:
    """Returns the analysis messages that the rule CURRENT_TURN leaves out of the next prompt.

    Args:
        parsed: The messages of the prompt and the sampled tokens; each begins with `<|start|>`.
        count: The number of these tokens.
        end: How they end.
        messages: The messages that follow.

    Returns:
        How the tokens end if those messages are cut, and the range of each.
    """
    plan = plan_conversation(
        [
            *(message.header.role for message in parsed),
            *(message.author.role for message in messages),
        ],
        [
            *(message.header.channel for message in parsed),
            *(message.channel for message in messages),
        ],
        (),
        analysis=AnalysisRule.CURRENT_TURN,
    )
    dropped = set(range(len(parsed))).difference(plan.kept)
    begins = [message.header_range.begin - 1 for message in parsed]
    ends = [*begins[1:], count]
    cuts = [TokenRange(begins[index], ends[index]) for index in sorted(dropped)]
    if cuts and cuts[-1].end == count:
        end = SampledEnd(count, is_open=False)
    return end, cuts


def _find_last_boundary(sampled: Sequence[int]) -> int | None:
    """Returns the offset of the last `<|start|>`, `<|message|>` or stop token."""
    size = _FIRST_SEARCH
    while True:
        begin = max(0, len(sampled) - size)
        for offset in reversed(structural_offsets(sampled[begin:])):
            token = sampled[begin + offset]
            if token in STOP_TOKENS or token in (START, MESSAGE):
                return begin + offset
        if begin == 0:
            return None
        size *= 4
