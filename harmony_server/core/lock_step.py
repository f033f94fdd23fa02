"""Many sequences that each get one token a step, read together."""

import io
import operator
from collections.abc import Callable, Sequence

from .parser import NO_PLAIN_TEXTS, MessageParser
from .tokenizer import VOCABULARY_SIZE


class LockStep:
    """The parsers of several sequences, in a fixed order.

    A step in which every token only adds text is a few passes over lists and touches no parser: the
    members that such a token needs, `plain_texts` and `content`, stand here side by side. The
    parsers count those tokens later, each before it reads a token itself and all of them in
    `settle`.

    To read a token itself, a parser needs `before_reading` and `after_reading` around it. Until
    `settle`, nothing else may use the parsers.

    Args:
        ids: The ids of the sequences, all different.
        parsers: The parser of each, or None for a sequence that has none.

    Attributes:
        ids: The ids, in order.
    """

    def __init__(self, ids: list[int], parsers: Sequence[MessageParser | None]) -> None:
        self.ids = ids
        self._parsers = parsers
        self._plain_texts = [
            NO_PLAIN_TEXTS if parser is None else parser.plain_texts for parser in parsers
        ]
        # A sequence without a parser gets nothing but empty texts written.
        self._contents = [io.StringIO() if parser is None else parser.content for parser in parsers]
        self._steps = 0
        # How many of the steps each parser has counted.
        self._counted_steps = [0] * len(ids)

    def step(self, tokens: list[int]) -> list[str]:
        """Takes one token for each sequence and returns the text that each adds.

        A text is empty where the sequence's parser has to read the token.

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
        """Brings every parser up to date; call nothing here afterwards."""
        for parser, counted_steps in zip(self._parsers, self._counted_steps, strict=True):
            if parser is not None:
                parser.offset += self._steps - counted_steps


_write: Callable[[io.StringIO, str], int] = io.StringIO.write
