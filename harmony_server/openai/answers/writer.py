"""What writes one answer: the part that differs between the APIs."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from .sink import MessageSink
from .usage import Usage

ENGINE_FAILED = "The engine failed."


class AnswerWriter(Protocol):
    """Writes the frames and the body of one answer.

    Attributes:
        frames: The frames that nobody has taken yet.
        tails: The ends of the next frames that are made from pieces, each to be taken once; None if
            pieces are all of a frame.
    """

    frames: list[bytes]
    tails: Iterator[bytes] | None

    @property
    def sinks(self) -> Sequence[MessageSink]:
        """Where the messages of each choice go."""

    def open(self) -> None:
        """Writes the frames that stand before the first token."""

    def close(self, usage: Usage, error: str | None) -> bytes:
        """Writes the last frames and returns the body; `error` is that of an engine that failed."""

    def cancel(self) -> bytes:
        """Writes nothing more and returns an empty body: every choice was cancelled."""
