"""The conversation of a prompt, as it grows message by message; both APIs build it alike."""

from collections.abc import Mapping, Sequence
from typing import Final

from ...core import (
    Author,
    DeveloperContent,
    Message,
    ResponseFormat,
    Role,
    SystemContent,
    ToolNamespaceConfig,
)
from ..planned_message import PlannedMessage
from .bounds import MAX_PROMPT_MESSAGES
from .fields import Field

_USER: Final = Role.USER.value
_ASSISTANT: Final = Role.ASSISTANT.value
_TOOL: Final = Role.TOOL.value
_ANALYSIS = "analysis"
_COMMENTARY = "commentary"
_FINAL = "final"


class Transcript:
    """The instructions and the messages of a prompt, oldest first.

    Args:
        source: The list that the messages come from, for errors.
        call_content_type: The content type of calls.
    """

    def __init__(self, source: Field, call_content_type: str) -> None:
        self._source = source
        self._call_content_type = call_content_type
        self._instructions: list[str] = []
        self._is_leading = True
        self._messages: list[PlannedMessage | Message] = []
        self._called_names: dict[str, str] = {}

    def add_instructions(self, text: str) -> None:
        """Adds a system or developer message: leading ones are put together."""
        if not text:
            return
        if self._is_leading:
            self._instructions.append(text)
        else:
            content = DeveloperContent(instructions=text)
            self._append(Message(author=Author(role=Role.DEVELOPER), content=[content]))

    def end_instructions(self) -> None:
        """Ends the leading run: a message of another role begins."""
        self._is_leading = False

    def add_user(self, text: str) -> None:
        """Adds a message of the user."""
        self._append(PlannedMessage(_USER, text))

    def add_reasoning(self, text: str) -> None:
        """Adds reasoning of the assistant."""
        self._append(PlannedMessage(_ASSISTANT, text, _ANALYSIS))

    def add_preamble(self, text: str) -> None:
        """Adds what the assistant says to the user before a call."""
        self._append(PlannedMessage(_ASSISTANT, text, _COMMENTARY))

    def add_final(self, text: str) -> None:
        """Adds an answer of the assistant."""
        self._append(PlannedMessage(_ASSISTANT, text, _FINAL))

    def add_call(self, call_id: str | None, recipient: str, arguments: str) -> None:
        """Adds a call; results name it by its id."""
        if call_id:
            self._called_names[call_id] = recipient
        self._append(
            PlannedMessage(
                _ASSISTANT,
                arguments,
                _COMMENTARY,
                recipient=recipient,
                content_type=self._call_content_type,
            )
        )

    def called_name(self, call_id: str) -> str | None:
        """Returns the recipient of the nearest preceding call with this id, or None."""
        return self._called_names.get(call_id)

    def add_result(self, author: str, text: str) -> None:
        """Adds what a tool returned; `author` is the recipient of its call."""
        self._append(PlannedMessage(_TOOL, text, _COMMENTARY, name=author, recipient=_ASSISTANT))

    def close(
        self,
        system: SystemContent,
        namespaces: Mapping[str, ToolNamespaceConfig],
        response_format: ResponseFormat | None,
    ) -> Sequence[PlannedMessage | Message]:
        """Returns the system and the developer message, and behind them the messages."""
        head: list[PlannedMessage | Message] = [
            Message(author=Author(role=Role.SYSTEM), content=[system])
        ]
        if self._instructions or namespaces or response_format:
            developer = DeveloperContent(
                instructions="\n\n".join(self._instructions) or None,
                tools=dict(namespaces) or None,
                response_formats=[response_format] if response_format else None,
            )
            head.append(Message(author=Author(role=Role.DEVELOPER), content=[developer]))
        return [*head, *self._messages]

    def _append(self, message: PlannedMessage | Message) -> None:
        if len(self._messages) == MAX_PROMPT_MESSAGES:
            raise self._source.too_large(
                "MAX_PROMPT_MESSAGES", MAX_PROMPT_MESSAGES, "array_above_max_length"
            )
        self._messages.append(message)
