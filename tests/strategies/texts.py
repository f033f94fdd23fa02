"""Texts: prose, white space, all of Unicode, spellings of special tokens, surrogates."""

from typing import Final

from hypothesis import strategies as st

SPECIAL_SPELLINGS: Final = (
    "<|start|>",
    "<|end|>",
    "<|message|>",
    "<|channel|>",
    "<|constrain|>",
    "<|return|>",
    "<|call|>",
    "<|startoftext|>",
    "<|endoftext|>",
    "<|reserved_200000|>",
    "<|reserved_201088|>",
    # Special tokens of other vocabularies, and parts of special tokens.
    "<|reserved_201089|>",
    "<|endofprompt|>",
    "<|refusal|>",
    "<|end",
    "<|",
    "|>",
    "<",
)
# Python, Rust and ASCII disagree on some: U+001C to U+001F are white space only in Python, U+0085
# and U+00A0 are not in ASCII, and U+200B and U+FEFF are white space nowhere.
WHITE_SPACE: Final = (
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x1f",
    "\x85",
    "\xa0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u3000",
    "\u180e",
    "\u200b",
    "\ufeff",
)
LINE_ENDS: Final = ("\n", "\r\n", "\r", "\x85", "\u2028", "\n\n", "\r\n\r\n", "\n\r")
_WORDS: Final = (
    "a",
    "The",
    "weather",
    "don't",
    "null",
    "HTTPServer",
    "12345",
    "3.14",
    "naïve",
    "Straße",
    "日本語",
    "Привет",
    "שלום",
    "नमस्ते",
    "e\u0301",
    "ǅ",
    "👩\u200d👩\u200d👧",
    "🇩🇪",
    "\U00010348",
    "\x00",
    "\x7f",
    "\ufffd",
    '"quoted"',
    "back\\slash",
    "`code`",
    "{}",
    "//",
    "!!!",
    "…",
)
SURROGATES: Final = ("\ud800", "\udbff", "\udc00", "\udfff", "\ud83d\ude00", "\ude00\ud83d")

_pieces: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(_WORDS),
    st.sampled_from(WHITE_SPACE),
    st.sampled_from(SPECIAL_SPELLINGS),
    st.text(max_size=4),
)


def texts() -> st.SearchStrategy[str]:
    """Texts for any part of a conversation."""
    return st.one_of(
        st.text(max_size=30),
        st.lists(_pieces, max_size=12).map("".join),
        st.lists(st.sampled_from(_WORDS), max_size=8).map(" ".join),
    )


def multi_line_texts() -> st.SearchStrategy[str]:
    """Texts with every kind of line ending, also at the end."""
    line = st.one_of(st.just(""), st.sampled_from(_WORDS), st.text(max_size=6))
    return st.lists(st.tuples(line, st.sampled_from(LINE_ENDS)), max_size=5).map(
        lambda lines: "".join(text + end for text, end in lines)
    )


def descriptions() -> st.SearchStrategy[str]:
    """Texts for descriptions and instructions, of one or more lines."""
    return st.one_of(
        st.just("Gets the weather."), st.sampled_from(_WORDS), multi_line_texts(), texts()
    )


def texts_with_surrogates() -> st.SearchStrategy[str]:
    """Texts with surrogates, alone or in pairs."""
    return st.tuples(texts(), st.sampled_from(SURROGATES), texts()).map("".join)
