"""What of a request has no effect, or another one than it says: for the caller's log."""

from dataclasses import dataclass
from enum import Enum, auto


class NoticeReason(Enum):
    """Why there is a notice."""

    TOOL_IGNORED = auto()
    """A tool was left out."""
    ITEM_IGNORED = auto()
    """A message or an item of the input was left out."""
    EFFORT_CHANGED = auto()
    """Another reasoning effort was taken."""
    PARAMETER_IGNORED = auto()
    """A parameter was left out."""
    TEXT_CHANGED = auto()
    """Text was changed: a lone surrogate became U+FFFD."""
    NOT_ENFORCED = auto()
    """Only an engine with constrained sampling can guarantee it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a log wants to know; it has no text of the conversation.

    `field` is the place in the body, as in `RequestBodyError`; `text` is for people and may change.
    """

    reason: NoticeReason
    field: str
    text: str
