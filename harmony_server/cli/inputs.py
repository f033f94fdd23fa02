"""Input from a file, standard input or the command line: text, and token ids in it."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from .errors import InputError

STDIN = "-"
_MAX_TOKEN = 0xFFFF_FFFF
_MAX_SHOWN_CHARACTERS = 40
_ITEM = re.compile(r"[^\s,]+")

file_argument = click.argument("file", type=click.Path(allow_dash=True), default=STDIN)


@dataclass(frozen=True, slots=True)
class Source:
    """A text, and the name of its source."""

    name: str
    text: str

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Adds this source to each InputError that names no source."""
        try:
            yield
        except InputError as error:
            error.source = error.source or self.name
            raise

    def error(self, problem: str, position: int) -> InputError:
        """Returns the error for a problem at a position in the text."""
        before = self.text[:position]
        line = before.count("\n") + 1
        column = position - before.rfind("\n")
        return InputError(problem, source=self.name, place=f"line {line}, column {column}")


def read_source(path: str) -> Source:
    """Reads a file, or standard input for `-`, as UTF-8. Line ends stay as they are.

    Raises:
        InputError: The file cannot be read or is not UTF-8.
    """
    name = "stdin" if path == STDIN else path
    if path == STDIN and sys.stdin is None:
        raise InputError("closed", source=name)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        return Source(name, data.decode())
    except OSError as error:
        raise InputError(error.strerror or str(error), source=name) from None
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8", source=name, place=f"byte {error.start}") from None


def read_tokens(source: Source) -> list[int]:
    """Reads token ids: a JSON array, or ids separated by white space or commas.

    Raises:
        InputError: The text contains something else.
    """
    text, begin = source.text, 0
    end = len(text.rstrip())
    if text[:end].lstrip().startswith("["):
        begin = text.index("[") + 1
        if text[end - 1] != "]":
            raise source.error("the array has no end: expected ]", end)
        end -= 1
    return [
        _token(source, index, match) for index, match in enumerate(_ITEM.finditer(text, begin, end))
    ]


def _token(source: Source, index: int, match: re.Match[str]) -> int:
    word = match.group()
    # Check the length first: Python refuses to convert very long digit strings.
    if word.isascii() and word.isdigit() and len(word) < 20 and int(word) <= _MAX_TOKEN:
        return int(word)
    shown = word if len(word) <= _MAX_SHOWN_CHARACTERS else f"{word[:_MAX_SHOWN_CHARACTERS]}…"
    raise source.error(f"tokens[{index}] is not a token id: {shown!r}", match.start())
