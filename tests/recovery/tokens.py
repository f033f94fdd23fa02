"""Completions written as text in which the spellings of structural tokens are the tokens."""

import re

from harmony_server import core
from harmony_server.core.structure import STRUCTURAL_TOKENS
from harmony_server.core.tokenizer import SPECIAL_TOKENS

SPELLINGS = [text for text, token in SPECIAL_TOKENS.items() if token in STRUCTURAL_TOKENS]
_SPELLING = re.compile(f"({'|'.join(map(re.escape, SPELLINGS))})")


def encoding() -> core.HarmonyEncoding:
    """Returns the encoding, which is loaded once a process."""
    return core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)


def encode(text: str) -> list[int]:
    """Returns the tokens; each piece between two structural tokens is encoded on its own."""
    tokens: list[int] = []
    for piece in _SPELLING.split(text):
        tokens += (
            [SPECIAL_TOKENS[piece]]
            if piece in SPELLINGS
            else encoding().encode(piece, disallowed_special=())
        )
    return tokens
