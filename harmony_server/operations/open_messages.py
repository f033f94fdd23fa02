"""Limits the memory of the messages that are still open, over all streams."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.parser import MessageParser
from ..core.tokenizer import MAX_TOKEN_BYTES, MAX_WIDTH
from ..settings import Settings
from .errors import RequestError, limit_exceeded

_MIB = 1024 * 1024
# A token adds at most its text, in characters of the largest width, in a buffer with room to spare.
_TOKEN_BYTES = MAX_TOKEN_BYTES * MAX_WIDTH * 5 // 4
# A parser without text, header or names.
_PARSER_BYTES = 2048
# The growth between two measurements: small next to the limit, large next to an engine's step.
_MAX_GROWTH_BYTES = 16 * _MIB
_MIN_GROWTH_BYTES = 1 * _MIB


class OpenMessages:
    """The parsers of all open sequences, and the memory that they hold.

    Measuring after each token would cost more than parsing. So each token counts as the most that
    it can add, and the parsers are measured once that much could have been added.

    Attributes:
        mib: The limit, in MiB.
        bytes: What they held when they were last measured.
    """

    def __init__(self, settings: Settings) -> None:
        self.mib = settings.max_open_text_mib
        self._max_characters = settings.max_text_bytes
        self._fixed_bytes: dict[MessageParser, int] = {}
        self.bytes = 0
        self._room = self._next_room()

    def add(self, parser: MessageParser, config_bytes: int) -> None:
        """Counts a parser, opened with a config of this many bytes, as open until `discard`."""
        size = _PARSER_BYTES + MAX_WIDTH * config_bytes
        self._fixed_bytes[parser] = size
        self._room -= size

    def discard(self, parsers: Iterable[MessageParser]) -> None:
        """Counts parsers as closed; ignores those that are not open."""
        for parser in parsers:
            self._fixed_bytes.pop(parser, None)

    def count(self, tokens: int) -> bool:
        """Counts tokens that parsers have read; returns whether to call `find_failure`."""
        self._room -= tokens * _TOKEN_BYTES
        return self._room < 0

    def measure(self) -> None:
        """Measures what all parsers hold."""
        # One step of the interpreter, as other threads open and close sequences meanwhile.
        fixed_bytes = list(self._fixed_bytes.items())
        self.bytes = sum(size + parser.held_bytes for parser, size in fixed_bytes)
        self._room = self._next_room()

    def find_failure(self, parser: MessageParser, field: str) -> RequestError | None:
        """Returns why a sequence has to end, as measured last, or None.

        Args:
            parser: The parser of the sequence.
            field: The path of its tokens in the request.
        """
        if parser.content.tell() > self._max_characters:
            return limit_exceeded("max_text_bytes", self._max_characters, field)
        if self.bytes > self.mib * _MIB:
            return limit_exceeded("max_open_text_mib", self.mib, field)
        return None

    def _next_room(self) -> int:
        left = self.mib * _MIB - self.bytes
        return max(min(left, _MAX_GROWTH_BYTES), _MIN_GROWTH_BYTES)
