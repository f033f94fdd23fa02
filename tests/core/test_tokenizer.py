"""Special tokens, and text to tokens and back, with literal ids."""

import re

import pytest

from harmony_server import core
from harmony_server.core.errors import SpecialTokenError
from harmony_server.core.tokenizer import SPECIAL_TOKENS
from tests.support.encodings import encoding


def test_the_named_special_tokens() -> None:
    """Nine special tokens have a name."""
    named = {text: token for text, token in SPECIAL_TOKENS.items() if "reserved" not in text}
    assert named == {
        "<|startoftext|>": 199998,
        "<|endoftext|>": 199999,
        "<|return|>": 200002,
        "<|constrain|>": 200003,
        "<|channel|>": 200005,
        "<|start|>": 200006,
        "<|end|>": 200007,
        "<|message|>": 200008,
        "<|call|>": 200012,
    }


def test_every_other_special_token_is_reserved() -> None:
    """Every other id from 199998 to 201088 is a reserved token, named by its id."""
    assert sorted(SPECIAL_TOKENS.values()) == list(range(199998, 201089))
    reserved = {text: token for text, token in SPECIAL_TOKENS.items() if "reserved" in text}
    assert len(reserved) == 1082
    assert all(text == f"<|reserved_{token}|>" for text, token in reserved.items())


def test_endofprompt_is_ordinary_text() -> None:
    """`<|endofprompt|>`, which tiktoken's own o200k_harmony has, is ordinary text."""
    assert "<|endofprompt|>" not in SPECIAL_TOKENS
    assert encoding().encode("<|endofprompt|>") == encoding().encode_ordinary("<|endofprompt|>")
    assert encoding().decode([200018]) == "<|reserved_200018|>"


def test_the_encoding_describes_itself() -> None:
    """The encoding has these names and limits."""
    assert encoding().name == "HarmonyGptOss"
    assert encoding().tokenizer_name == "o200k_harmony"
    assert encoding().n_ctx == 1_048_576
    assert encoding().max_message_tokens == 524_288
    assert encoding().special_tokens_set == set(SPECIAL_TOKENS)


def test_stop_tokens() -> None:
    """Return, end and call end a message; return and call also end the assistant's turn."""
    assert encoding().stop_tokens() == [200002, 200007, 200012]
    assert encoding().stop_tokens_for_assistant_actions() == [200002, 200012]


@pytest.mark.parametrize(
    ("token", "is_special"),
    [
        (0, False),
        (199997, False),
        (199998, True),
        (201088, True),
        (201089, False),
        (2**32 - 1, False),
    ],
)
def test_is_special_token(token: int, is_special: bool) -> None:
    """The special tokens are the ids from 199998 to 201088."""
    assert encoding().is_special_token(token) is is_special


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("Hello, world!", [13225, 11, 2375, 0]),
        ("  two  blanks\n\n", [220, 1920, 220, 160898, 279]),
        ("naïve façade", [1503, 9954, 737, 114665]),
        ("你好", [177519]),
        ("😀", [84083]),
        ("🫡", [4103, 104, 94]),
        ("123456", [7633, 19354]),
        ("I'll don't", [67504, 4128]),
        ("\r\n\t x", [370, 197, 1215]),
    ],
)
def test_text_to_tokens_and_back(text: str, tokens: list[int]) -> None:
    """Ordinary text becomes the reference's tokens and decodes to the same text."""
    assert encoding().encode(text) == tokens
    assert encoding().encode_ordinary(text) == tokens
    assert encoding().decode(tokens) == text
    assert encoding().decode_utf8(tokens) == text


def test_special_tokens_are_refused_unless_allowed() -> None:
    """By default, text that spells a special token is an error that names the token."""
    with pytest.raises(
        core.HarmonyError, match=re.escape("disallowed special token '<|start|>'")
    ) as caught:
        encoding().encode("x<|start|>")
    assert isinstance(caught.value, SpecialTokenError)
    assert caught.value.spelling == "<|start|>"


def test_allowed_special_tokens() -> None:
    """An allowed spelling becomes the special token; `all` allows every one."""
    text = "<|start|>x<|end|>"
    assert encoding().encode(text, allowed_special="all") == [200006, 87, 200007]
    with pytest.raises(core.HarmonyError, match=re.escape("disallowed special token '<|end|>'")):
        encoding().encode(text, allowed_special={"<|start|>"})


def test_special_tokens_neither_allowed_nor_disallowed_are_text() -> None:
    """A spelling neither allowed nor disallowed is encoded as text."""
    assert encoding().encode("<|start|>", disallowed_special=()) == [27, 91, 5236, 91, 29]
    text = "<|start|>x<|end|>"
    assert encoding().encode(text, allowed_special={"<|start|>"}, disallowed_special=()) == [
        *(200006, 87, 27, 91, 419, 91, 29)
    ]


def test_a_disallowed_spelling_is_refused_even_if_allowed() -> None:
    """A spelling disallowed by name is an error even if all are allowed."""
    with pytest.raises(core.HarmonyError, match=re.escape("disallowed special token '<|end|>'")):
        encoding().encode("<|end|>", allowed_special="all", disallowed_special={"<|end|>"})


def test_lone_surrogates_in_text_become_replacement_characters() -> None:
    """Each lone surrogate in text to encode becomes U+FFFD."""
    assert encoding().encode("a\ud800b") == encoding().encode("a\ufffdb")
    assert encoding().encode("\ud83d\ude00") == [84083]


@pytest.mark.parametrize("text", ["", "x<|end|>", "word <|end|>" * 10_000])
def test_a_long_text_is_encoded_in_parts(text: str) -> None:
    """The parts, joined, are the tokens of `encode`; a long text has many."""
    parts = list(encoding().encode_in_parts(text, allowed_special="all"))
    assert [token for part in parts for token in part] == encoding().encode(
        text, allowed_special="all"
    )
    assert len(parts) > 10_000 if len(text) > 100 else len(parts) == 1
    with pytest.raises(SpecialTokenError):
        list(encoding().encode_in_parts(f"{text}<|start|>", allowed_special={"<|end|>"}))


def test_special_tokens_decode_to_their_spelling() -> None:
    """Special tokens are decoded to their spelling."""
    text = encoding().decode([200006, 200012, 201088])
    assert text == "<|start|><|call|><|reserved_201088|>"


def test_invalid_utf8_is_replaced_or_refused() -> None:
    """`decode` replaces invalid UTF-8 by default; `decode_utf8` refuses it."""
    assert encoding().decode_bytes([4103]) == b"\xf0\x9f"
    assert encoding().decode([4103]) == "\ufffd"
    with pytest.raises(UnicodeDecodeError):
        encoding().decode([4103], errors="strict")
    with pytest.raises(core.HarmonyError, match="Could not decode tokens: Invalid utf-8 sequence"):
        encoding().decode_utf8([4103])


@pytest.mark.parametrize("token", [201089, 2**32 - 1])
def test_ids_outside_the_vocabulary_are_refused(token: int) -> None:
    """Decoding an id outside the vocabulary is an error."""
    with pytest.raises(core.HarmonyError, match=f"^Invalid token for decoding: {token}$"):
        encoding().decode([13225, token])
    with pytest.raises(core.HarmonyError, match=f"Invalid token for decoding: {token}$"):
        encoding().decode_utf8([13225, token])


@pytest.mark.parametrize("token", [-1, 2**32])
def test_ids_that_do_not_fit_in_32_bits_overflow(token: int) -> None:
    """An id that does not fit in 32 bits is an OverflowError, as in the reference."""
    with pytest.raises(OverflowError):
        encoding().decode([token])
    with pytest.raises(OverflowError):
        encoding().is_special_token(token)


def test_an_unknown_encoding_is_a_value_error() -> None:
    """There is one encoding; any other name is a ValueError."""
    with pytest.raises(ValueError, match=r"^Invalid HarmonyEncodingName: gpt2$"):
        core.load_harmony_encoding("gpt2")


def test_an_encoding_is_loaded_once() -> None:
    """Loading an encoding again, by name or by enum, returns the same object."""
    by_enum = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    assert core.load_harmony_encoding("HarmonyGptOss") is by_enum
