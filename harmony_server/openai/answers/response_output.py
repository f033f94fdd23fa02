"""The messages of a response as its output items."""

from collections.abc import Sequence

from ..answer_context import AnswerContext
from .ends import EndReason
from .ids import ItemIds
from .logprobs import LogprobEntry
from .message_kind import MessageClass
from .response_events import EventWriter
from .response_items import OutputItem, new_item


class ResponseOutput:
    """A `MessageSink` that makes an item of each message.

    Args:
        context: What the answer knows of its request.
        events: Writes the events.

    Attributes:
        items: The finished items, as JSON.
        end_reason: Why the output ended; None before.
    """

    __slots__ = ("_context", "_events", "_item", "end_reason", "items", "pieces", "takes_plain")

    def __init__(self, context: AnswerContext, events: EventWriter) -> None:
        self._context = context
        self._events = events
        self._item: OutputItem | None = None
        self.items: list[bytes] = []
        self.end_reason: EndReason | None = None
        self.pieces: Sequence[bytes] = ()
        self.takes_plain = False

    def begin(self, message: MessageClass, ordinal: int) -> None:
        """Takes the beginning of a message, the `ordinal`-th of the choice."""
        item = self._item = new_item(
            message,
            ItemIds(self._context.header.id, 0, ordinal),
            len(self.items),
            self._events,
            encrypted_reasoning=self._context.encrypted_reasoning,
        )
        self.pieces = item.begin()
        # The input of a custom tool has no frames until it has ended, and so no numbers.
        self.takes_plain = bool(self.pieces) or not self._context.stream

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Takes more text of the message, or entries that belong to text sent before."""
        if self._item is not None:
            self._item.add(text, logprobs)

    def end(self, text: str, *, is_cut_off: bool) -> None:
        """Takes the end of the message; `text` is all that was sent of it."""
        if self._item is not None:
            status = "incomplete" if is_cut_off else "completed"
            self.items.append(self._item.end(text, status))
        self._item = None
        self.pieces = ()
        self.takes_plain = False

    def finish(self, reason: EndReason, finish_reason: str) -> None:  # noqa: ARG002  # no such member
        """Takes the end of the choice."""
        self.end_reason = reason
