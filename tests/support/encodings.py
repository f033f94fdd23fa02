"""The encoding, and the tokens of what is written as text, special tokens spelled out."""

import re

from harmony_server import core
from harmony_server.core.structure import STRUCTURAL_TOKENS
from harmony_server.core.tokenizer import SPECIAL_TOKENS

SPELLINGS = [text for text, token in SPECIAL_TOKENS.items() if token in STRUCTURAL_TOKENS]
_SPELLING = re.compile(f"({'|'.join(map(re.escape, SPELLINGS))})")


def encoding() -> core.HarmonyEncoding:
    """Returns the encoding, which is loaded once a process."""
    return core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)


def tokens_of(text: str) -> list[int]:
    """Returns the tokens of a text in which every special token may be spelled out."""
    return encoding().encode(text, allowed_special="all")


def encode(text: str) -> list[int]:
    """Returns the tokens of a text in which only structural tokens are spelled out.

    Each piece between two of them is encoded on its own; other special tokens are plain text.
    """
    tokens: list[int] = []
    for piece in _SPELLING.split(text):
        tokens += (
            [SPECIAL_TOKENS[piece]]
            if piece in SPELLINGS
            else encoding().encode(piece, disallowed_special=())
        )
    return tokens
