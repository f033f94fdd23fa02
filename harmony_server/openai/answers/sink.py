"""Where the messages of one choice go: the frames and the body of one API."""

from collections.abc import Sequence
from typing import Protocol

from .ends import EndReason
from .logprobs import LogprobEntry
from .message_kind import MessageClass


class MessageSink(Protocol):
    """Takes the messages of one choice, each as it is read.

    Attributes:
        pieces: For the text that the next token adds, the bytes that stand before, between and
            behind its copies as JSON strings: joined by the text, they are its frame. Empty if no
            frame is due. Another text may come only if `takes_plain`.
        takes_plain: Whether text needs no more than to be put between the pieces.
    """

    pieces: Sequence[bytes]
    takes_plain: bool

    def begin(self, message: MessageClass, ordinal: int) -> None:
        """Takes the beginning of a message, the `ordinal`-th of the choice."""

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Takes more text of the message, or entries that belong to text sent before."""

    def end(self, text: str, *, is_cut_off: bool) -> None:
        """Takes the end of the message; `text` is all that was sent of it."""

    def finish(self, reason: EndReason, finish_reason: str) -> None:
        """Takes the end of the choice."""
