"""The events of a streamed response, each with its number."""

import functools
import itertools
from collections.abc import Iterator, Sequence

from .framing import Framing, frame_ends
from .json_bytes import quoted

# Longer answers write their further numbers one by one.
_REMEMBERED_NUMBERS = 4096


class EventWriter:
    """Writes events; without a stream it writes none.

    Args:
        framing: How events are put into bytes.
        is_stream: Whether the answer is a stream.

    Attributes:
        frames: The frames that nobody has taken yet.
        tails: For each event that is still to come, its number and the end of its frame.
    """

    __slots__ = ("_framing", "_is_stream", "frames", "tails")

    def __init__(self, framing: Framing, *, is_stream: bool) -> None:
        self._framing = framing
        self._is_stream = is_stream
        self.frames: list[bytes] = []
        self.tails = _tails(framing)

    def emit(self, event: str, members: bytes) -> None:
        """Writes an event with these members, given as JSON."""
        if self._is_stream:
            frame = (
                _begin(self._framing, event) + members + b',"sequence_number":' + next(self.tails)
            )
            self.frames.append(frame)

    def delta_pieces(self, event: str, place: bytes, others: bytes) -> Sequence[bytes]:
        """Returns what the events of text consist of, without the text and the number.

        Args:
            event: The type of the events.
            place: The members that say where the text belongs.
            others: The members behind the text, a comma before each.
        """
        if not self._is_stream:
            return ()
        return (
            _begin(self._framing, event) + place + b',"delta":',
            others + b',"sequence_number":',
        )

    def write_delta(self, text: str, pieces: Sequence[bytes]) -> None:
        """Writes an event of text."""
        if self._is_stream:
            self.frames.append(quoted(text).join(pieces) + next(self.tails))


@functools.cache
def _begin(framing: Framing, event: str) -> bytes:
    return frame_ends(framing, event).before + b'{"type":%b,' % quoted(event)


def _tails(framing: Framing) -> Iterator[bytes]:
    """Yields the end of every event's frame, from number 0."""
    further = map(_tail_format(framing).__mod__, itertools.count(_REMEMBERED_NUMBERS))
    return itertools.chain(_first_tails(framing), further)


@functools.cache
def _first_tails(framing: Framing) -> Sequence[bytes]:
    return [_tail_format(framing) % number for number in range(_REMEMBERED_NUMBERS)]


def _tail_format(framing: Framing) -> bytes:
    return b"%d}" + frame_ends(framing).after
