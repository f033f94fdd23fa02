"""The events of a streamed response, each with its number."""

from collections.abc import Sequence
from typing import Any

from .framing import Framing, frame_ends
from .json_bytes import dump, quoted

JsonObject = dict[str, Any]


class EventWriter:
    """Writes events; without a stream it writes none.

    Args:
        framing: How events are put into bytes.
        is_stream: Whether the answer is a stream.

    Attributes:
        frames: The frames that nobody has taken yet.
    """

    __slots__ = ("_after", "_framing", "_is_stream", "_next_number", "frames")

    def __init__(self, framing: Framing, *, is_stream: bool) -> None:
        self._framing = framing
        self._is_stream = is_stream
        self._after = frame_ends(framing).after
        self._next_number = 0
        self.frames: list[bytes] = []

    def emit(self, event: str, members: JsonObject) -> None:
        """Writes an event with these members."""
        if self._is_stream:
            self._write(event, dump(members)[1:-1])

    def emit_response(self, event: str, response: bytes) -> None:
        """Writes an event that has a Response object, given as JSON."""
        if self._is_stream:
            self._write(event, b'"response":' + response)

    def delta_pieces(self, event: str, place: JsonObject, others: JsonObject) -> Sequence[bytes]:
        """Returns what the events of text consist of, without the text and the number.

        Args:
            event: The type of the events.
            place: The members that say where the text belongs.
            others: The members behind the text.
        """
        if not self._is_stream:
            return ()
        more = b"," + dump(others)[1:-1] if others else b""
        before = self._begin(event) + dump(place)[1:-1] + b',"delta":'
        return (before, more + b',"sequence_number":')

    def write_delta(self, text: str, pieces: Sequence[bytes]) -> None:
        """Writes an event of text."""
        if self._is_stream:
            self.frames.append(quoted(text).join(pieces) + self.take_number())

    def take_number(self) -> bytes:
        """Returns the number of the next event, which is counted, and the end of its frame."""
        number = self._next_number
        self._next_number = number + 1
        return b"%d}%b" % (number, self._after)

    def _write(self, event: str, members: bytes) -> None:
        frame = self._begin(event) + members + b',"sequence_number":' + self.take_number()
        self.frames.append(frame)

    def _begin(self, event: str) -> bytes:
        return frame_ends(self._framing, event).before + b'{"type":%b,' % quoted(event)
