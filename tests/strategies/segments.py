"""The parts of token streams, which a vocabulary turns into token ids."""

from dataclasses import dataclass
from typing import Final

FIRST_INVALID_TOKEN: Final = 201_089


@dataclass(frozen=True)
class Text:
    """Text, tokenized as ordinary text."""

    text: str


@dataclass(frozen=True)
class Special:
    """The special token `<|NAME|>`."""

    name: str


@dataclass(frozen=True)
class Bytes:
    """Bytes, one token each."""

    data: bytes


@dataclass(frozen=True)
class Fragment:
    """A token whose bytes are not valid UTF-8: the one at `index`, modulo their number."""

    index: int


@dataclass(frozen=True)
class Token:
    """A token by its id, valid or not."""

    token: int


Segment = Text | Special | Bytes | Fragment | Token
