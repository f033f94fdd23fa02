"""Why and how sequences end."""

from dataclasses import dataclass, field
from enum import Enum, auto


class EndReason(Enum):
    """Why the engine stopped sampling a sequence."""

    STOP = auto()
    """A stop token, or that the answer asked for it."""
    LENGTH = auto()
    """The limit on tokens."""
    CONTENT_FILTER = auto()
    """A filter of the caller."""
    CANCELLED = auto()
    """The client went away: nothing more is sent."""
    ERROR = auto()
    """The engine failed."""


@dataclass(frozen=True, slots=True)
class SequenceEnd:
    """The end of a sequence.

    Attributes:
        sequence: The index among the choices; in a batch the sequence's id.
        reason: Why it ended.
        error_message: With ERROR, for the client. None: a fixed sentence.
    """

    sequence: int
    reason: EndReason
    # Of the engine, which may quote anything.
    error_message: str | None = field(default=None, repr=False)
