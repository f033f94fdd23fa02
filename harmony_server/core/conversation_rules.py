"""How a conversation is put together from its messages."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from .chat import DeveloperContent, Message, Role

_ANALYSIS = "analysis"
_FINAL = "final"
_FUNCTIONS_KEY = "functions"


class AnalysisRule(str, Enum):
    """Which messages on channel `analysis` stay in a conversation.

    Attributes:
        KEEP: All of them.
        CURRENT_TURN: All but those before the last answer that precedes the last user message. An
            answer is an assistant message on channel `final`.
        NONE: None of them.
    """

    KEEP = "keep"
    CURRENT_TURN = "current_turn"
    NONE = "none"


class ConversationPlan(NamedTuple):
    """How to put a conversation together.

    Attributes:
        kept: The indices of the messages to render, in order.
        with_function_tools: Whether to render them for a conversation that has function tools.
        ends_with_return: Whether `<|return|>` replaces the last message's stop token.
    """

    kept: list[int]
    with_function_tools: bool
    ends_with_return: bool


def plan_conversation(
    roles: Sequence[Role],
    channels: Sequence[str | None],
    brings_function_tools: Iterable[bool],
    *,
    analysis: AnalysisRule | None,
    for_training: bool = False,
) -> ConversationPlan:
    """Plans the rendering of a conversation; never fails.

    Args:
        roles: The author's role of each message.
        channels: The channel of each message.
        brings_function_tools: Whether each message has function tools; see `has_function_tools`.
            The tools of a dropped message count.
        analysis: Which messages on channel `analysis` to keep. None, the reference's rule: drop
            those before the first message on channel `final`, provided that the last assistant
            message is on channel `final`.
        for_training: End with `<|return|>` if the last message is the assistant's, on channel
            `final`.
    """
    dropped_below = _find_end_of_drop(roles, channels, analysis)
    kept = [index for index in range(dropped_below) if channels[index] != _ANALYSIS]
    kept += range(dropped_below, len(roles))
    ends_with_return = (
        for_training and len(roles) > 0 and roles[-1] is Role.ASSISTANT and channels[-1] == _FINAL
    )
    return ConversationPlan(kept, any(brings_function_tools), ends_with_return)


def has_function_tools(message: Message) -> bool:
    """Returns whether a message brings tools in the namespace with the key `functions`."""
    for content in message.content:
        if isinstance(content, DeveloperContent) and content.tools:
            functions = content.tools.get(_FUNCTIONS_KEY)
            if functions is not None and functions.tools:
                return True
    return False


def _find_end_of_drop(
    roles: Sequence[Role], channels: Sequence[str | None], rule: AnalysisRule | None
) -> int:
    """Returns the index of the message before which analysis is dropped."""
    match rule:
        case None:
            return _find_first_final(roles, channels)
        case AnalysisRule.KEEP:
            return 0
        case AnalysisRule.CURRENT_TURN:
            return _find_last_answered(roles, channels)
        case AnalysisRule.NONE:
            return len(roles)


def _find_last_answered(roles: Sequence[Role], channels: Sequence[str | None]) -> int:
    """Returns the index of the last answer before the last user message; 0 if there is none."""
    is_before_user = False
    for index in range(len(roles) - 1, -1, -1):
        if roles[index] is Role.USER:
            is_before_user = True
        elif is_before_user and roles[index] is Role.ASSISTANT and channels[index] == _FINAL:
            return index
    return 0


def _find_first_final(roles: Sequence[Role], channels: Sequence[str | None]) -> int:
    """Returns the index of the first message on channel `final`.

    Returns 0 unless the last assistant message is on that channel too.
    """
    for index in range(len(roles) - 1, -1, -1):
        if roles[index] is Role.ASSISTANT:
            return channels.index(_FINAL) if channels[index] == _FINAL else 0
    return 0
