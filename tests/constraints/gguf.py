"""Writes a model file for llama.cpp that has the vocabulary, and no tensors."""

import array
import struct
from pathlib import Path

from .matchers import FIRST_SPECIAL, NAMED_TOKENS, named_vocabulary

_UINT32, _INT32, _FLOAT32, _STRING, _ARRAY = 4, 5, 6, 8, 9
_NORMAL, _CONTROL = 1, 3


def write_vocabulary(path: Path) -> None:
    """Writes the file."""
    unicode_of = _byte_spellings()
    tokens = [
        "".join(unicode_of[byte] for byte in token) if index < FIRST_SPECIAL else token.decode()
        for index, token in enumerate(named_vocabulary())
    ]
    types = [_NORMAL] * FIRST_SPECIAL + [_CONTROL] * (NAMED_TOKENS - FIRST_SPECIAL)
    values = {
        "general.architecture": _string_value("gpt2"),
        "gpt2.context_length": _uint32_value(8),
        "gpt2.embedding_length": _uint32_value(8),
        "gpt2.block_count": _uint32_value(1),
        "gpt2.feed_forward_length": _uint32_value(8),
        "gpt2.attention.head_count": _uint32_value(1),
        "gpt2.attention.layer_norm_epsilon": struct.pack("<If", _FLOAT32, 1e-5),
        "tokenizer.ggml.model": _string_value("gpt2"),
        "tokenizer.ggml.pre": _string_value("gpt-4o"),
        "tokenizer.ggml.tokens": struct.pack("<IIQ", _ARRAY, _STRING, len(tokens))
        + b"".join(map(_string, tokens)),
        "tokenizer.ggml.token_type": struct.pack("<IIQ", _ARRAY, _INT32, len(types))
        + array.array("i", types).tobytes(),
        # A grammar needs the tokens alone; without any merge, llama.cpp refuses the file.
        "tokenizer.ggml.merges": struct.pack("<IIQ", _ARRAY, _STRING, 1) + _string("a b"),
        "tokenizer.ggml.bos_token_id": _uint32_value(199_998),
        "tokenizer.ggml.eos_token_id": _uint32_value(200_002),
    }
    header = struct.pack("<4sIQQ", b"GGUF", 3, 0, len(values))
    path.write_bytes(header + b"".join(_string(key) + value for key, value in values.items()))


def _byte_spellings() -> dict[int, str]:
    """Returns how the file spells each byte: as GPT-2 does, in printable characters."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {
        **{byte: chr(byte) for byte in printable},
        **{byte: chr(256 + index) for index, byte in enumerate(others)},
    }


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _string_value(text: str) -> bytes:
    return struct.pack("<I", _STRING) + _string(text)


def _uint32_value(value: int) -> bytes:
    return struct.pack("<II", _UINT32, value)
