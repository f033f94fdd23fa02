"""What token streams are made of, before a vocabulary turns it into token ids."""

from dataclasses import dataclass
from typing import Final

FIRST_INVALID_TOKEN: Final = 201_089


@dataclass(frozen=True)
class Text:
    """Text, tokenised as ordinary text."""

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
    """A token whose bytes are no whole UTF-8: the one at `index`, counted round and round."""

    index: int


@dataclass(frozen=True)
class Token:
    """A token by its id, valid or not."""

    token: int


Segment = Text | Special | Bytes | Fragment | Token
