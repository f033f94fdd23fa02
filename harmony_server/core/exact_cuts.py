"""Encodes long text in parts that give the tokens of the whole.

The tokenizer makes tokens in two steps: a pattern cuts the text into pieces, and within each piece
pairs of tokens merge. A cut is exact in either of two cases.

- **Between two pieces.** The pattern never looks back and at most one character ahead, so between
  some characters a piece always ends: `_BETWEEN_PIECES`.
- **Inside a piece**, where the pattern makes one piece of each half (`_RUNS`), if no merge crosses
  the cut. None does if the two tokens beside it, encoded together, are the same two tokens. Proof:
  take the first merge that crosses. Until then the bytes of both tokens merged as they do alone, so
  that merge would also come next if they were alone.

What follows a cut is a text of its own, so each cut needs to look back to the last one only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

# The pattern's \s without line ends, at which the pattern cuts differently.
BLANK = "\t\x0b\x0c \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Characters whose class does not change with the version of Unicode. The pattern takes caseless
# letters as upper case and as lower case. Signs are no white space, letters, numbers or marks.
LOWER = "a-z\xdf-\xf6\xf8-\xff\u03b1-\u03c9\u0430-\u044f"
UPPER = "A-Z\xc0-\xd6\xd8-\xde\u0391-\u03a1\u03a3-\u03a9\u0410-\u042f"
CASELESS = (
    "\u05d0-\u05ea\u0620-\u063f\u0641-\u064a\u0904-\u0939\u0e01-\u0e30\u1200-\u1248\u3041-\u3096"
    "\u30a1-\u30fa\u3400-\u4db5\u4e00-\u9fa5\uac00-\ud7a3\U00020000-\U0002a6d6"
)
SIGN = (
    "\x00-\x08\x0e-\x1f!-/:-@[-`{-\x7f\u2010-\u2027\u2190-\u23ff\u2500-\u2775\u3001-\u3003"
    "\uff01-\uff0f\U0001f300-\U0001f3fa\U0001f400-\U0001f64f"
)

_BETWEEN_PIECES = re.compile(
    "|".join(
        [
            # Only a first blank belongs to what follows it.
            rf"(?<=[^{BLANK}\r\n])(?=[{BLANK}])",
            # Behind letters, their piece goes on with letters, marks and contractions only.
            rf"(?<=[{LOWER}{UPPER}{CASELESS}])(?!')(?=[0-9 \r\n{SIGN}])",
            # A contraction may end with an upper case letter.
            "(?<=[^'][a-z])(?=[A-Z])",
            r"(?<=[0-9])(?=[\x00-/:-\x7f])",
            "(?<=[!-/:-@[-`{-~])(?=[0-9])",
            # After line ends, signs go on with slashes only, and white space with a line end.
            rf"(?<=[\r\n])(?=[0-9A-Za-z{SIGN}]|[{BLANK}]{{1,64}}[^{BLANK}\r\n])(?!/)",
        ]
    )
)


class _Run(NamedTuple):
    """A row of characters of one class, inside of which a piece can be cut.

    Attributes:
        characters: The class.
        before: A character before the run that makes it so. The beginning of the text does, too.
        after: One behind the run that makes it so; the end of the text does, too. None: nothing.
    """

    characters: str
    before: str
    after: str | None = None


_RUNS = {
    "lower": _Run(LOWER, r"[\s\S]"),
    # If caseless letters come first, lower case letters behind the run join them to it.
    "upper": _Run(UPPER, r"[\x00-\x7f]", r"[\x00-`{-\x7f]"),
    # If lower case letters come first, upper case letters behind the run end its piece.
    "caseless": _Run(CASELESS, r"[\x00-`{-\x7f]", r"[\x00-@[-\x7f]"),
    # After line ends, slashes may belong to the signs before these.
    "sign": _Run(SIGN, r"[^\r\n]"),
    "digit": _Run("0-9", r"[\x00-/:-\x7f]"),
    "white": _Run(rf"{BLANK}\r\n", "(?!)"),
}
_DIGITS_IN_A_PIECE = 3
# So many characters of a run stay on both sides of a cut. A contraction has fewer, and the last
# sign or blank before a letter belongs to the letter's piece.
_MARGIN = 4
# One piece at once holds up other threads.
_PIECE_CHARACTERS_AT_ONCE = 4096
# Long enough for several tokens, of which the longest has 128 characters.
_SHORTEST_CUT_RUN = 512
# The begin of a run is searched so many characters back, then ever further.
_FIRST_LOOK_BACK = 64
_SHORTEST_RUN = re.compile(
    "|".join(
        f"(?P<{name}>[{run.characters}]{{{_SHORTEST_CUT_RUN}}})" for name, run in _RUNS.items()
    )
)
_WHOLE_RUN = {
    "line_end": re.compile(r"[\r\n]*+"),
    **{name: re.compile(f"[{run.characters}]*+") for name, run in _RUNS.items()},
}
_LAST_OTHER = {
    name: re.compile(rf"[^{run.characters}](?=[{run.characters}]*+\Z)")
    for name, run in _RUNS.items()
}
_A_SIGN = re.compile(f"[{SIGN}]")
_BEFORE = {name: re.compile(run.before) for name, run in _RUNS.items()}
_AFTER = {name: re.compile(run.after) for name, run in _RUNS.items() if run.after}

# Tokens at the end of a part may differ from those of the whole; from here on, few do.
_UNSURE_TOKENS = 4
_MOST_CUTS_TO_TRY = 32


class _End(NamedTuple):
    """Where to end a part.

    Attributes:
        position: The end, from the beginning of the text.
        inside_from: If it is inside a piece, the first position at which this piece can be cut.
        is_piece: Whether the part is one piece.
    """

    position: int
    inside_from: int | None = None
    is_piece: bool = False


class Encoder(NamedTuple):
    """The two steps of a tokenizer.

    Attributes:
        encode: Encodes a text at once.
        encode_piece: Encodes the bytes of one piece at once, and keeps other threads waiting.
        token_bytes: Returns the bytes of a token.
    """

    encode: Callable[[str], list[int]]
    encode_piece: Callable[[bytes], list[int]]
    token_bytes: Callable[[int], bytes]


def encode_in_parts(text: str, encoder: Encoder, size: int) -> Iterator[list[int]]:
    """Yields the tokens of a text, in parts of about `size` to 2 * `size` characters each.

    A part is longer where the text has neither of the two kinds of cuts.

    Args:
        text: The text.
        encoder: Encodes each part.
        size: In characters; more than the longest token has.
    """
    ends = _Ends(text, size)
    begin = 0
    while begin < len(text):
        end = ends.find(begin)
        if end.is_piece:
            piece = text[begin : end.position]
            piece_ends = _PieceEnds(len(piece), min(size, _PIECE_CHARACTERS_AT_ONCE))
            yield from _encode_joined(piece, piece_ends.find, _piece_encoder(encoder))
            begin = end.position
        elif end.inside_from is None:
            yield encoder.encode(text[begin : end.position])
            begin = end.position
        else:
            begin = yield from _encode_joined(text, ends.find, encoder, begin)


def _piece_encoder(encoder: Encoder) -> Encoder:
    return encoder._replace(encode=lambda part: encoder.encode_piece(part.encode()))


def _encode_joined(
    text: str, find: Callable[[int, int], _End], encoder: Encoder, begin: int = 0
) -> Generator[list[int], None, int]:
    """Yields the tokens of parts that end inside of pieces, up to the first part that does not.

    Args:
        text: The text.
        find: Returns the end of the part at a position, and behind another position.
        encoder: Encodes each part.
        begin: Where the first part begins.

    Returns:
        The end of the last part.
    """
    end = find(begin, begin)
    tokens = encoder.encode(text[begin : end.position])
    while end.inside_from is not None:
        tail = text[end.inside_from : end.position].encode()
        for count, length in _cuts(tokens, encoder.token_bytes, tail):
            cut = end.position - length
            next_end = find(cut, cut)
            next_tokens = encoder.encode(text[cut : next_end.position])
            pair = [tokens[count - 1], next_tokens[0]]
            if encoder.encode_piece(b"".join(map(encoder.token_bytes, pair))) == pair:
                yield tokens[:count]
                begin, end, tokens = cut, next_end, next_tokens
                break
        else:
            # Twice as much, to stay linear in time.
            end = find(begin, 2 * end.position - begin)
            tokens = encoder.encode(text[begin : end.position])
    yield tokens
    return end.position


def _cuts(
    tokens: list[int], token_bytes: Callable[[int], bytes], tail: bytes
) -> Iterator[tuple[int, int]]:
    """Yields where a part could end before its last tokens.

    Args:
        tokens: The tokens of the part.
        token_bytes: Returns the bytes of a token.
        tail: The end of the part, in which to cut.

    Yields:
        The number of tokens before the cut, and of characters behind it.
    """
    size = 0
    for back, token in enumerate(reversed(tokens[-_MOST_CUTS_TO_TRY:]), 1):
        size += len(token_bytes(token))
        if size > len(tail):
            return
        behind = tail[len(tail) - size :]
        is_whole_character = behind[0] & 0xC0 != 0x80
        if back >= _UNSURE_TOKENS and is_whole_character and back < len(tokens):
            yield len(tokens) - back, len(behind.decode())


class _PieceEnds:
    """Finds where parts of one piece can end: anywhere.

    Args:
        length: Of the piece, in characters.
        size: Of a part, in characters.
    """

    def __init__(self, length: int, size: int) -> None:
        self._length = length
        self._size = size

    def find(self, begin: int, after: int) -> _End:
        """Returns where the part at `begin` ends: behind `after`."""
        position = max(begin, after) + self._size
        if self._length - position <= self._size:
            return _End(self._length)
        return _End(position, begin + 1)


class _Ends:
    """Finds where parts of a text can end.

    Args:
        text: The text.
        size: Of a part, in characters.
    """

    def __init__(self, text: str, size: int) -> None:
        self._text = text
        self._size = size
        # The end of the text that the parts now belong to: a cut that has been found ahead.
        self._limit = len(text)
        # By class, the last row of its characters that has been looked at: begin and end.
        self._seen: dict[str, tuple[int, int]] = {}

    def find(self, begin: int, after: int = 0) -> _End:
        """Returns where the part at `begin` ends: behind `after`, and if possible soon."""
        if begin >= self._limit:
            self._limit = len(self._text)
        position = max(begin, after) + self._size
        while self._limit - position > self._size:
            stop = position + self._size
            if cut := _BETWEEN_PIECES.search(self._text, position, stop):
                return _End(cut.start())
            while run := _SHORTEST_RUN.search(self._text, position, stop):
                end = self._find_in_run(begin, run, stop)
                if end is not None and end.position > after:
                    return end
                # The limit may have moved to before the run's end.
                stop = min(stop, self._limit)
                position = self._end_of_run(
                    str(run.lastgroup), run.end(), max(run.end(), self._limit)
                )
            position = max(position, stop)
        return _End(self._limit)

    def _find_in_run(self, begin: int, shortest: re.Match[str], stop: int) -> _End | None:
        """Returns an end in or before a run; None: there is none.

        Args:
            begin: The beginning of the part.
            shortest: Characters of the run.
            stop: The last position to look at.
        """
        text, name = self._text, str(shortest.lastgroup)
        first = self._begin_of_run(name, begin, shortest.start())
        if first > begin and _BETWEEN_PIECES.match(text, first):
            return _End(first)
        if name == "white":
            return self._find_in_white(begin, first, shortest, stop)
        if (
            first > begin
            and not _BEFORE[name].match(text, first - 1)
            and not self._is_decided_after(name, shortest.end())
        ):
            return None
        position = self._end_of_run(name, shortest.end(), stop) - _MARGIN
        if name == "digit":
            return _End(position - (position - first) % _DIGITS_IN_A_PIECE)
        return _End(position, shortest.start() + _MARGIN)

    def _find_in_white(
        self, begin: int, first: int, shortest: re.Match[str], stop: int
    ) -> _End | None:
        """Returns an end in or before a run of white space that begins at `first`."""
        text = self._text
        last = self._end_of_run("white", shortest.end(), self._limit)
        behind_lines = 1 + max(text.rfind("\n", first, last), text.rfind("\r", first, last))
        if not behind_lines:
            # Blanks are one piece; before other text, the last one is not part of it.
            return _End(min(last, stop) - _MARGIN, shortest.start() + _MARGIN)
        lines = self._end_of_run("line_end", first, last)
        if first == begin:
            if lines == last:
                return _End(min(last, stop) - _MARGIN, shortest.start() + _MARGIN)
            return _End(behind_lines, is_piece=True)
        # After a sign, the first line ends belong to its piece, and the blanks behind them do not.
        if lines < last and (lines == behind_lines or _A_SIGN.match(text, first - 1)):
            self._limit = last = lines
        if lines == self._limit <= shortest.start():
            return _End(lines)
        if lines == last and (last == self._limit or text[last] != "/"):
            return _End(min(last, stop) - _MARGIN, shortest.start() + _MARGIN)
        return None

    def _is_decided_after(self, name: str, position: int) -> bool:
        """Returns whether what follows a run makes its piece one that can be cut inside."""
        if name not in _AFTER:
            return False
        end = self._end_of_run(name, position, self._limit)
        if _BETWEEN_PIECES.match(self._text, end):
            self._limit = end
        return end == self._limit or _AFTER[name].match(self._text, end) is not None

    def _begin_of_run(self, name: str, begin: int, position: int) -> int:
        size = _FIRST_LOOK_BACK
        while True:
            start = max(begin, position - size)
            if other := _LAST_OTHER[name].search(self._text, start, position):
                return other.end()
            if start == begin:
                return begin
            size *= 2

    def _end_of_run(self, name: str, position: int, stop: int) -> int:
        first, end = self._seen.get(name, (0, 0))
        if not first <= position <= end:
            first = end = position
        # In steps, because the engine does not let other threads run.
        while end < stop:
            found = _WHOLE_RUN[name].match(self._text, end, min(end + self._size, stop))
            assert found is not None, "an empty run matches"
            if found.end() == end:
                break
            end = found.end()
        self._seen[name] = first, end
        return min(end, stop)
