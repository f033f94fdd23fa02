"""The messages of one choice as the deltas of a chat completion."""

from collections.abc import Sequence
from typing import Protocol

from ..answer_context import AnswerContext, ReasoningField
from .ends import EndReason
from .ids import ItemIds
from .logprobs import LogprobEntry
from .message_kind import MessageClass, MessageKind

# Before the text of a second message that is shown in the same place.
_BETWEEN_MESSAGES = "\n\n"


class DeltaReceiver(Protocol):
    """Takes the deltas of one choice: a stream of chunks, or a body that adds them up."""

    def pieces(self, kind: MessageKind, call_index: int) -> Sequence[bytes]:
        """Returns what a frame of text consists of without the text; empty if there are none."""

    def add_role(self) -> None:
        """Takes the first delta."""

    def add_reasoning(self, text: str) -> None:
        """Takes more reasoning."""

    def add_content(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Takes more content."""

    def begin_call(self, index: int, call_id: str, name: str) -> None:
        """Takes the beginning of a call."""

    def add_arguments(self, index: int, text: str) -> None:
        """Takes more arguments of the last call."""

    def finish(self, finish_reason: str) -> None:
        """Takes the last delta."""


class ChatDeltas:
    """A `MessageSink` that makes deltas, for a stream and for a body alike.

    Args:
        context: What the answer knows of its request.
        receiver: Where the deltas go.
        choice: The index of the choice.
    """

    __slots__ = (
        "_answer_id",
        "_call_count",
        "_choice",
        "_has_content",
        "_has_reasoning",
        "_hides_reasoning",
        "_kind",
        "_receiver",
        "pieces",
        "takes_plain",
    )

    def __init__(self, context: AnswerContext, receiver: DeltaReceiver, choice: int) -> None:
        self._answer_id = context.header.id
        self._choice = choice
        self._receiver = receiver
        self._hides_reasoning = context.reasoning_field is ReasoningField.NONE
        self._has_reasoning = self._has_content = False
        self._call_count = 0
        self._kind = MessageKind.CONTENT
        self.pieces: Sequence[bytes] = ()
        self.takes_plain = False

    def begin(self, message: MessageClass, ordinal: int) -> None:
        """Takes the beginning of a message, the `ordinal`-th of the choice."""
        self._kind = message.kind
        if message.kind is MessageKind.CALL:
            call_id = ItemIds(self._answer_id, self._choice, ordinal).with_prefix("call")
            self._receiver.begin_call(self._call_count, call_id, message.name)
            self._call_count += 1
        is_hidden = message.kind is MessageKind.REASONING and self._hides_reasoning
        if not is_hidden:
            self.pieces = self._receiver.pieces(message.kind, self._call_count - 1)
        else:
            self.pieces = ()
        self.takes_plain = is_hidden or not self._is_separator_due()

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Takes more text of the message, or entries that belong to text sent before."""
        if self._kind is MessageKind.CALL:
            self._receiver.add_arguments(self._call_count - 1, text)
            return
        if not self.takes_plain and text:
            self.takes_plain = True
            text = _BETWEEN_MESSAGES + text
        if self._kind.is_content:
            self._receiver.add_content(text, logprobs)
        elif not self._hides_reasoning:
            self._receiver.add_reasoning(text)

    def end(self, text: str, *, is_cut_off: bool) -> None:  # noqa: ARG002  # only items have a status
        """Takes the end of the message; `text` is all that was sent of it."""
        if text and self._kind.is_content:
            self._has_content = True
        elif text and self._kind is MessageKind.REASONING:
            self._has_reasoning = True
        self.takes_plain = False
        self.pieces = ()

    def finish(self, reason: EndReason, finish_reason: str) -> None:
        """Takes the end of the choice."""
        if reason is EndReason.CANCELLED or reason is EndReason.ERROR:
            return
        if not self._has_content and not self._call_count:
            # Clients cannot do with a content of null next to no call.
            self._receiver.add_content("", ())
        self._receiver.finish(finish_reason)

    def _is_separator_due(self) -> bool:
        if self._kind is MessageKind.CALL:
            return False
        return self._has_content if self._kind.is_content else self._has_reasoning
