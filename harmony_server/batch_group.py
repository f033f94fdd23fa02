"""The sequences that an engine steps together, arranged for the step."""

import io
import operator
from collections.abc import Callable, Sequence

from .core.parser import NO_TEXTS, MessageParser
from .core.tokenizer import VOCABULARY_SIZE


class BatchGroup:
    """Sequences in a fixed order, each of which gets one token a step.

    What a token needs of its sequence stands in columns, so that a step of plain text is a few
    passes over lists, and no parser is touched. The parsers learn of their tokens later: each that
    reads a token of its own between `before_reading` and `after_reading`, all of them in `settle`,
    before the group is let go.

    Attributes:
        ids: The sequences, in order.
    """

    def __init__(self, ids: list[int], parsers: Sequence[MessageParser | None]) -> None:
        self.ids = ids
        self._parsers = parsers
        self._directs = [NO_TEXTS if it is None else it.direct for it in parsers]
        self._texts = [_NOWHERE if it is None else it.text for it in parsers]
        # How many steps there were, and up to which of them each parser has counted.
        self._steps = 0
        self._counted = [0] * len(ids)

    def step(self, tokens: list[int]) -> list[str]:
        """Takes a token for each sequence and returns the text it adds.

        Empty where the token is more than text: the sequence's parser has to read it.
        """
        self._steps += 1
        try:
            deltas = list(map(operator.getitem, self._directs, tokens))
        except IndexError:
            # An id that the vocabulary does not have.
            deltas = [
                direct[token] if token < VOCABULARY_SIZE else ""
                for direct, token in zip(self._directs, tokens, strict=True)
            ]
        # A list for the speed of it: what write returns is of no use.
        list(map(_write, self._texts, deltas))
        return deltas

    def before_reading(self, index: int) -> None:
        """Brings a parser up to date, so that it can read the token of this step."""
        parser = self._parsers[index]
        if parser is not None:
            # All steps but this one, whose token it is about to count.
            parser.offset += self._steps - 1 - self._counted[index]
            self._counted[index] = self._steps

    def after_reading(self, index: int) -> None:
        """Takes over what the parser's state is now."""
        parser = self._parsers[index]
        if parser is not None:
            self._directs[index] = parser.direct
            self._texts[index] = parser.text

    def settle(self) -> None:
        """Brings every parser up to date; the group must not be used afterwards."""
        for parser, counted in zip(self._parsers, self._counted, strict=True):
            if parser is not None:
                parser.offset += self._steps - counted


_write: Callable[[io.StringIO, str], int] = io.StringIO.write
# Where nothing but empty texts is written.
_NOWHERE = io.StringIO()
