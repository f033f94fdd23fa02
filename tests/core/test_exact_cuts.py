"""A long text, encoded in parts, has the tokens that it has at once."""

from __future__ import annotations

import random
import re

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.core import exact_cuts
from harmony_server.core.exact_cuts import Encoder, encode_in_parts
from tests.support.encodings import encoding

# Larger than the longest token, and small enough for many parts.
_SIZE = 600
_LONG = 1_000_000
# What the pattern treats differently, and what follows some of it differently.
_PARTS = (
    *("a", "th", "I", "TH", "Ab", "é", "É", "ŧ", "Ŧ", "ʰ", "ǅ", "ж", "Ж", "中", "あ", "한", "ث"),
    *("\u0301", "1", "22", "²", "ⅷ", "!", "/", "//", "-", "'", "'s", "'S", "'ll", "'lL", "’"),
    *(
        "😀",
        "\ufe0f",
        "，",
        "\x00",
        " ",
        "  ",
        "\t",
        "\xa0",
        "\u3000",
        "\u2028",
        "\n",
        "\r",
        "\r\n",
    ),
)
_REPEATED = st.builds(
    lambda parts, times: "".join(parts) * times,
    st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3),
    st.integers(1, 700),
)
_SHUFFLED = st.builds(
    lambda parts, count, seed: "".join(random.Random(seed).choices(parts, k=count)),
    st.lists(st.sampled_from(_PARTS), min_size=2, max_size=6),
    st.integers(1, 1500),
    st.integers(0, 1000),
)


def _encoder() -> Encoder:
    tokenizer = encoding()._tokenizer
    return tokenizer._encoder


def _in_parts(text: str, size: int = _SIZE) -> list[list[int]]:
    return list(encode_in_parts(text, _encoder(), size))


def _joined(parts: list[list[int]]) -> list[int]:
    return [token for part in parts for token in part]


@given(st.lists(_REPEATED | _SHUFFLED, min_size=1, max_size=6).map("".join))
def test_parts_have_the_tokens_of_the_whole(text: str) -> None:
    """Wherever it is cut, the tokens are those of the uncut text."""
    assert _joined(_in_parts(text)) == _encoder().encode(text)


@pytest.mark.parametrize(
    "text",
    [
        " " * 9000,
        " \t" * 5000,
        "\xa0" * 9000,
        "\u3000" * 9000,
        "x" + " " * 9000 + "x",
        "\n" + " " * 9000 + "\n",
        "!" + "\n" * 5000 + " " * 3000 + "\n!",
        "!\n  \n" * 2500,
        "a" * 9000,
        "A" * 9000,
        "abcdefghijklmnop" * 400,
        "中" * 9000,
        "a" + "中" * 9000,
        "!" * 9000,
        "/" * 9000,
        "-=" * 5000,
        "😀" * 9000,
        "7" * 9000,
        "aB" * 5000,
        "a1" * 5000,
        "中，文" * 2000,
        "word " * 2500,
        "слово " * 2500,
    ],
)
def test_what_can_be_cut(text: str) -> None:
    """No row of blanks, line ends, letters, signs or digits stays whole, nor does prose."""
    parts = _in_parts(text)
    assert _joined(parts) == _encoder().encode(text)
    # A token can have many characters.
    assert max(len(encoding().decode(part)) for part in parts if part) <= 4 * _SIZE


def test_a_merge_across_a_cut_is_noticed() -> None:
    """Where tokens end depends on the whole piece; a part that ends elsewhere is not used."""
    rng = random.Random(0)
    for _ in range(20):
        text = "".join(rng.choices("ab", k=5000))
        assert _joined(_in_parts(text)) == _encoder().encode(text)


@pytest.mark.parametrize(
    ("characters", "pattern"),
    [
        (exact_cuts.LOWER, r"\p{Ll}"),
        (exact_cuts.UPPER, r"\p{Lu}"),
        (exact_cuts.CASELESS, r"\p{Lo}"),
        (exact_cuts.SIGN, r"[^\s\p{L}\p{N}\p{M}]"),
        (exact_cuts.BLANK, r"[^\S\r\n]"),
    ],
)
def test_the_classes_are_those_of_the_pattern(characters: str, pattern: str) -> None:
    """Each character belongs to its class for the engine that matches the pattern."""
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    engine = tiktoken.Encoding(
        "classes",
        pat_str=pattern,
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    of_pattern = set(engine.decode(engine.encode_ordinary(everything)))
    ours = set(re.findall(f"[{characters}]", everything))
    assert ours <= of_pattern
    if characters == exact_cuts.BLANK:
        assert ours == of_pattern


@pytest.mark.parametrize("blank", [" ", "\t", "\xa0", " \t"])
def test_a_million_blanks(blank: str) -> None:
    """More blanks than the pattern's engine can look back over have the tokens of fewer."""
    text = blank * (_LONG // len(blank))
    tokens = encoding().encode_ordinary(text)
    half = encoding().encode_ordinary(text[: _LONG // 2])
    assert encoding().decode(tokens) == text
    assert tokens[: len(half) // 2] == half[: len(half) // 2]
