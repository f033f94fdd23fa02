"""Which message each token of a render is of, and which part of it."""

import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import accumulate
from typing import NamedTuple, Self

from .events import TokenRange


class TokenPart(IntEnum):
    """What tokens of a message are; the values are the contract's.

    Attributes:
        START: `<|start|>`.
        AUTHOR: The role, or for a tool its name.
        NAME: `:` and the name of an author that is not a tool.
        RECIPIENT: ` to=` and the recipient.
        CHANNEL: `<|channel|>` and the channel.
        CONTENT_TYPE: The content type, with its blank and its `<|constrain|>`.
        MESSAGE: `<|message|>`.
        CONTENT: One content.
        STOP: `<|end|>`, `<|call|>` or `<|return|>`.
    """

    START = 1
    AUTHOR = 2
    NAME = 3
    RECIPIENT = 4
    CHANNEL = 5
    CONTENT_TYPE = 6
    MESSAGE = 7
    CONTENT = 8
    STOP = 9


class TokenRun(NamedTuple):
    """Consecutive tokens of one part of one message.

    Attributes:
        begin: The offset of the first token.
        end: The offset behind the last one.
        message: The index of the message in the conversation as it was passed.
        part: The part of the message.
        content: The index of the content; 0 for other parts.
    """

    begin: int
    end: int
    message: int
    part: TokenPart
    content: int


@dataclass(slots=True)
class MessageRuns:
    """The runs of one message, as parallel columns.

    Attributes:
        lengths: The number of tokens of each run, never 0.
        parts: The TokenPart of each run.
        contents: The index of each run's content; 0 for other parts.
    """

    lengths: list[int] = field(default_factory=list)
    parts: bytearray = field(default_factory=bytearray)
    contents: list[int] = field(default_factory=list)

    def add(self, part: TokenPart, count: int, content: int = 0) -> None:
        """Adds the next tokens of a message; a content may come in pieces, also in empty ones."""
        if not count:
            return
        if part is TokenPart.CONTENT and self.parts[-1] == part and self.contents[-1] == content:
            self.lengths[-1] += count
            return
        self.lengths.append(count)
        self.parts.append(part)
        self.contents.append(content)

    def add_header(self, ends: Iterable[tuple[TokenPart, int]]) -> None:
        """Adds the parts of a header, given the offset behind each."""
        begin = 0
        for part, end in ends:
            if end > begin:
                self.lengths.append(end - begin)
                self.parts.append(part)
                begin = end
        self.contents += [0] * len(self.parts)

    @property
    def size(self) -> int:
        """The memory that the columns take, in bytes; small integers are shared."""
        return sum(map(sys.getsizeof, (self.lengths, self.parts, self.contents)))


@dataclass(slots=True)
class TokenRuns:
    """The runs of a render, as parallel columns: without gaps, never empty.

    Attributes:
        lengths: The number of tokens of each run.
        messages: The index of each run's message. The end of a prompt has the index of the message
            that comes next.
        parts: The TokenPart of each run.
        contents: The index of each run's content; 0 for other parts.
    """

    lengths: "array[int]"
    messages: "array[int]"
    parts: bytes
    contents: "array[int]"

    @classmethod
    def join(cls, runs: Iterable[tuple[int, MessageRuns]]) -> Self:
        """Joins the runs of messages, each given with the message's index."""
        lengths: list[int] = []
        messages: list[int] = []
        parts = bytearray()
        contents: list[int] = []
        for index, message in runs:
            lengths += message.lengths
            messages += [index] * len(message.lengths)
            parts += message.parts
            contents += message.contents
        return cls(array("I", lengths), array("I", messages), bytes(parts), array("I", contents))

    def __iter__(self) -> Iterator[TokenRun]:
        begin = 0
        for length, message, part, content in zip(
            self.lengths, self.messages, self.parts, self.contents, strict=True
        ):
            end = begin + length
            yield TokenRun(begin, end, message, TokenPart(part), content)
            begin = end


@dataclass(slots=True)
class Rendered:
    """Rendered tokens that know whose they are.

    Attributes:
        tokens: The token ids.
        runs: What they are; their lengths add up to the number of tokens.
    """

    tokens: list[int]
    runs: TokenRuns

    def __iter__(self) -> Iterator[TokenRun]:
        return iter(self.runs)

    def message_range(self, message: int) -> TokenRange | None:
        """Returns the range of a message's tokens, or None if it was left out.

        The end of a prompt counts as the message that comes next.
        """
        return self._range(message, None)

    def content_range(self, message: int, content: int) -> TokenRange | None:
        """Returns the range of a content's tokens, or None if it has none."""
        return self._range(message, content)

    def _range(self, message: int, content: int | None) -> TokenRange | None:
        ends = list(accumulate(self.runs.lengths))
        begin = end = None
        for index, run_message in enumerate(self.runs.messages):
            if run_message == message and (
                content is None
                or (
                    self.runs.parts[index] == TokenPart.CONTENT
                    and self.runs.contents[index] == content
                )
            ):
                end = ends[index]
                if begin is None:
                    begin = end - self.runs.lengths[index]
        return None if begin is None or end is None else TokenRange(begin, end)
