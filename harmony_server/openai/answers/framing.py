"""How events are put into bytes."""

from enum import Enum, auto
from typing import NamedTuple


class Framing(Enum):
    """How events are put into bytes."""

    SSE = auto()
    """Server-sent events, ready to be written."""
    LINES = auto()
    """One JSON text a line."""


class FrameEnds(NamedTuple):
    """What stands before and behind the JSON of one event."""

    before: bytes
    after: bytes


def frame_ends(framing: Framing, event: str | None = None) -> FrameEnds:
    """Returns the ends of a frame; `event` is the event's name, if it has one on the wire."""
    if framing is Framing.LINES:
        return FrameEnds(b"", b"\n")
    name = b"" if event is None else b"event: %b\n" % event.encode()
    return FrameEnds(name + b"data: ", b"\n\n")
