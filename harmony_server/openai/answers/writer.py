"""What writes one answer: the part that differs between the APIs."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from .sink import MessageSink
from .usage import Usage

ENGINE_FAILED = "The engine failed."


class AnswerWriter(Protocol):
    """Writes the frames and the body of one answer.

    Attributes:
        numbers_frames: Whether frames have numbers, which `tail` gives.
        frames: The frames that nobody has taken yet.
    """

    numbers_frames: ClassVar[bool]
    frames: list[bytes]

    @property
    def sinks(self) -> Sequence[MessageSink]:
        """Where the messages of each choice go."""

    def open(self) -> None:
        """Writes the frames that stand before the first token."""

    def tail(self) -> bytes:
        """Returns the end of the next frame that is made from pieces, and counts the frame."""

    def close(self, usage: Usage, error: str | None) -> bytes:
        """Writes the last frames and returns the body; `error` is that of an engine that failed."""

    def cancel(self) -> bytes:
        """Writes nothing more and returns an empty body: every choice was cancelled."""
