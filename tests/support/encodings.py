"""The encoding, and the tokens of text with special tokens spelled out."""

import re

from harmony_server import core
from harmony_server.core.structure import STRUCTURAL_TOKENS
from harmony_server.core.tokenizer import SPECIAL_TOKENS

SPELLINGS = [text for text, token in SPECIAL_TOKENS.items() if token in STRUCTURAL_TOKENS]
_SPELLING = re.compile(f"({'|'.join(map(re.escape, SPELLINGS))})")


def encoding() -> core.HarmonyEncoding:
    """Returns the encoding, which each process loads once."""
    return core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)


def tokens_of(text: str) -> list[int]:
    """Returns the tokens of text in which any special token may be spelled out."""
    return encoding().encode(text, allowed_special="all")


def encode(text: str) -> list[int]:
    """Returns the tokens of text in which structural tokens may be spelled out.

    Each piece between them is encoded separately; other special tokens are plain text.
    """
    tokens: list[int] = []
    for piece in _SPELLING.split(text):
        tokens += (
            [SPECIAL_TOKENS[piece]]
            if piece in SPELLINGS
            else encoding().encode(piece, disallowed_special=())
        )
    return tokens
