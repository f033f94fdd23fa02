"""What the messages of a conversation depend on in each other when it is rendered."""

from collections.abc import Sequence

from .chat import DeveloperContent, Message, Role

_ANALYSIS = "analysis"
_FINAL = "final"
_FUNCTIONS_KEY = "functions"


def dropped_analysis(roles: Sequence[Role], channels: Sequence[str | None]) -> set[int]:
    """Returns the indices of the messages that auto-drop leaves out.

    Where the last assistant message is on channel `final`, those on channel `analysis` before the
    first message on channel `final`.

    Args:
        roles: The role of each message.
        channels: The channel of each message.
    """
    places = range(len(roles) - 1, -1, -1)
    last_assistant = next((place for place in places if roles[place] is Role.ASSISTANT), None)
    if last_assistant is None or channels[last_assistant] != _FINAL:
        return set()
    first_final = channels.index(_FINAL)
    return {place for place in range(first_final) if channels[place] == _ANALYSIS}


def ends_with_answer(roles: Sequence[Role], channels: Sequence[str | None]) -> bool:
    """Says whether the last message is the assistant's, on channel `final`; arguments as above."""
    return bool(roles) and roles[-1] is Role.ASSISTANT and channels[-1] == _FINAL


def has_function_tools(message: Message) -> bool:
    """Says whether a message brings tools in the namespace with the key `functions`."""
    for content in message.content:
        if isinstance(content, DeveloperContent) and content.tools:
            functions = content.tools.get(_FUNCTIONS_KEY)
            if functions is not None and functions.tools:
                return True
    return False
