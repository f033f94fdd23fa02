"""Many sequences that each get one token a step, read together."""

import io
import operator
from collections.abc import Callable, Sequence

from .parser import NO_PLAIN_TEXTS, MessageParser
from .tokenizer import VOCABULARY_SIZE


class LockStep:
    """Reads tokens for several parsers, in a fixed order.

    It looks tokens up as `MessageParser` allows, with the `plain_texts` and the `content` of all
    parsers in lists. A step in which every token only adds text is a few passes over these lists
    and calls no parser. Each parser's `offset` catches up before the parser reads a token itself,
    and at last in `settle`.

    Call `before_reading` and `after_reading` around each token that a parser reads itself. Do not
    use the parsers in any other way before `settle`.

    Args:
        ids: The ids of the sequences, all different.
        parsers: The parser of each, or None for a sequence that has none.

    Attributes:
        ids: The ids, in order.
        reports_offsets: Whether a parser reports the offsets of deltas.
    """

    def __init__(self, ids: list[int], parsers: Sequence[MessageParser | None]) -> None:
        self.ids = ids
        self._parsers = parsers
        self.reports_offsets = any(parser and parser.reports_offsets for parser in parsers)
        self._plain_texts = [
            NO_PLAIN_TEXTS if parser is None else parser.plain_texts for parser in parsers
        ]
        # A sequence without a parser only ever gets empty texts.
        self._contents = [io.StringIO() if parser is None else parser.content for parser in parsers]
        self._steps = 0
        # How many of the steps each parser has counted.
        self._counted_steps = [0] * len(ids)

    def step(self, tokens: list[int]) -> list[str]:
        """Takes one token for each sequence and returns the text that each adds.

        A text is empty if the sequence's parser has to read the token.

        Args:
            tokens: Token ids from 0 to 2³² - 1, as many as sequences.
        """
        self._steps += 1
        try:
            texts = list(map(operator.getitem, self._plain_texts, tokens))
        except IndexError:
            # An id outside the vocabulary.
            texts = [
                plain_texts[token] if token < VOCABULARY_SIZE else ""
                for plain_texts, token in zip(self._plain_texts, tokens, strict=True)
            ]
        # The list drives the map; its values, the lengths written, are dropped.
        list(map(_write, self._contents, texts))
        return texts

    def token_ranges(self) -> tuple[list[int], list[int]]:
        """Returns where the token of the latest step begins and ends, for each sequence.

        Both are 0 for a sequence whose parser reports no offsets. Call this before any parser reads
        the token itself.
        """
        begins, ends = [0] * len(self.ids), [0] * len(self.ids)
        for index, parser in enumerate(self._parsers):
            if parser is not None and parser.reports_offsets:
                ends[index] = parser.offset + self._steps - self._counted_steps[index]
                begins[index] = ends[index] - 1
        return begins, ends

    def before_reading(self, index: int) -> None:
        """Brings a parser up to date, so that it can read the token of the latest step."""
        parser = self._parsers[index]
        if parser is not None:
            # It counts the token of the latest step itself.
            parser.offset += self._steps - 1 - self._counted_steps[index]
            self._counted_steps[index] = self._steps

    def after_reading(self, index: int) -> None:
        """Notes how a parser has changed by reading a token."""
        parser = self._parsers[index]
        if parser is not None:
            self._plain_texts[index] = parser.plain_texts
            self._contents[index] = parser.content

    def settle(self) -> None:
        """Brings every parser up to date; do not use this object afterwards."""
        for parser, counted_steps in zip(self._parsers, self._counted_steps, strict=True):
            if parser is not None:
                parser.offset += self._steps - counted_steps


_write: Callable[[io.StringIO, str], int] = io.StringIO.write
