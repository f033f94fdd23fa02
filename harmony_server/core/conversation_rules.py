"""What the messages of a conversation depend on in each other when it is rendered."""

from collections.abc import Sequence
from typing import NamedTuple

from .chat import DeveloperContent, Message, Role

_ANALYSIS = "analysis"
_FINAL = "final"
_FUNCTIONS_KEY = "functions"


class Turn(NamedTuple):
    """What the rules look at in a message."""

    role: Role
    channel: str | None


def dropped_analysis(turns: Sequence[Turn]) -> set[int]:
    """Returns the indices of the messages that auto-drop leaves out.

    Where the last assistant message is on channel `final`, those on channel `analysis` before the
    first message on channel `final`.
    """
    last_assistant = next((turn for turn in reversed(turns) if turn.role is Role.ASSISTANT), None)
    if last_assistant is None or last_assistant.channel != _FINAL:
        return set()
    first_final = next(index for index, turn in enumerate(turns) if turn.channel == _FINAL)
    return {index for index in range(first_final) if turns[index].channel == _ANALYSIS}


def ends_with_answer(turns: Sequence[Turn]) -> bool:
    """Says whether the last message is the assistant's, on channel `final`."""
    return bool(turns) and turns[-1] == Turn(Role.ASSISTANT, _FINAL)


def has_function_tools(message: Message) -> bool:
    """Says whether a message brings tools in the namespace with the key `functions`."""
    for content in message.content:
        if isinstance(content, DeveloperContent) and content.tools:
            functions = content.tools.get(_FUNCTIONS_KEY)
            if functions is not None and functions.tools:
                return True
    return False
