"""The tokenizer `o200k_harmony`: `o200k_base` with harmony's special tokens."""

import array
import functools
import itertools
import operator
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import tiktoken

from . import vocabulary
from .bounds import MAX_ENCODED_CHARACTERS_AT_ONCE, MAX_REMEMBERED_PATTERNS
from .errors import HarmonyError, raise_disallowed_special_token
from .exact_cuts import Encoder, encode_in_parts

NAME = "o200k_harmony"

START = 200006
MESSAGE = 200008
CHANNEL = 200005
CONSTRAIN = 200003
END = 200007
RETURN = 200002
CALL = 200012

_NAMED_SPECIAL_TOKENS = {
    "<|startoftext|>": 199998,
    "<|endoftext|>": 199999,
    "<|return|>": RETURN,
    "<|constrain|>": CONSTRAIN,
    "<|channel|>": CHANNEL,
    "<|start|>": START,
    "<|end|>": END,
    "<|message|>": MESSAGE,
    "<|call|>": CALL,
}
_LAST_TOKEN = 201088
SPECIAL_TOKENS: dict[str, int] = {
    **_NAMED_SPECIAL_TOKENS,
    **{
        f"<|reserved_{token}|>": token
        for token in range(200000, _LAST_TOKEN + 1)
        if token not in _NAMED_SPECIAL_TOKENS.values()
    },
}
VOCABULARY_SIZE = _LAST_TOKEN + 1
MAX_UINT32 = 0xFFFF_FFFF
_REPLACEMENT = "\ufffd".encode()
# The most bytes that a token decodes to.
MAX_TOKEN_BYTES = 128
# The most bytes that a character of Python's texts takes.
MAX_WIDTH = 4
# Of a text with a character beyond ASCII, without the characters and the zero behind them.
_TEXT_OVERHEAD = sys.getsizeof("\u0100") - 4

# The pre-tokenisation pattern of tiktoken's o200k_base (MIT licence), which cuts text into the
# pieces that are encoded one by one.
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_PATTERN = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)

_SPECIAL_SHAPE = re.compile(r"<\|[a-z0-9_]+\|>")


class Tokenizer:
    """Text to tokens and back."""

    def __init__(self) -> None:
        tokens = vocabulary.token_bytes()
        self._encoding = tiktoken.Encoding(
            NAME,
            pat_str=_PATTERN,
            mergeable_ranks=dict(zip(tokens, range(len(tokens)), strict=True)),
            special_tokens=SPECIAL_TOKENS,
        )
        self._encoder = Encoder(
            self._encoding.encode_ordinary,
            self._encoding._encode_single_piece,
            self._encoding.decode_single_token_bytes,
        )
        special_tokens = sorted(SPECIAL_TOKENS, key=SPECIAL_TOKENS.__getitem__)
        self._texts = [*map(_decode_if_whole, tokens), *special_tokens]
        self._tokens_by_width = {width: array.array("I") for width in (1, 2, MAX_WIDTH)}
        for token, text in enumerate(self._texts):
            if not text.isascii():
                self._tokens_by_width[width_of(text)].append(token)
        self._content_texts: dict[tuple[frozenset[int], int], list[str]] = {}

    def content_texts(self, breaks: frozenset[int], width: int = MAX_WIDTH) -> Sequence[str]:
        """Returns the text that each token adds to a message's content, by token id.

        The text is empty if it depends on more than the token: for bytes that are not UTF-8 on
        their own, and for the tokens in `breaks`. Other special tokens are spelled out.

        Args:
            breaks: Tokens without a text.
            width: Leave out texts with characters that take more bytes in memory, as `width_of`
                gives them.
        """
        texts = self._content_texts.get((breaks, width))
        if texts is None:
            texts = self._texts.copy()
            for token in breaks:
                texts[token] = ""
            for wide, its_tokens in self._tokens_by_width.items():
                for token in its_tokens if wide > width else ():
                    texts[token] = ""
            self._content_texts[breaks, width] = texts
        return texts

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text without special tokens: their spellings stay text.

        Lone surrogates become U+FFFD.
        """
        if len(text) <= MAX_ENCODED_CHARACTERS_AT_ONCE:
            return self._encoding.encode_ordinary(text)
        return list(itertools.chain.from_iterable(self.encode_ordinary_in_parts(text)))

    def encode_ordinary_in_parts(self, text: str) -> Iterator[list[int]]:
        """Yields the tokens that `encode_ordinary` returns, in parts if the text is long."""
        return encode_in_parts(text, self._encoder, MAX_ENCODED_CHARACTERS_AT_ONCE)

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Encodes text that may contain special tokens.

        Args:
            text: The text. Lone surrogates become U+FFFD.
            allowed_special: The spellings to encode as special tokens.
            disallowed_special: The spellings that are an error; by default all that are not
                allowed. Spellings that are neither are encoded as text.

        Raises:
            SpecialTokenError: The text contains a disallowed spelling.
        """
        if len(text) > MAX_ENCODED_CHARACTERS_AT_ONCE:
            parts = self._encode_long(text, allowed_special, disallowed_special)
            return list(itertools.chain.from_iterable(parts))
        # For "all", those in the text suffice: a set of a thousand costs more than a short text.
        allowed = set(_special_in(text)) if allowed_special == "all" else allowed_special
        for spelling in _disallowed_in(text, allowed, disallowed_special):
            if spelling is not None:
                raise_disallowed_special_token(spelling)
        if len(allowed) == 0:  # None is no set: a TypeError
            return self._encoding.encode_ordinary(text)
        return self._encoding.encode(text, allowed_special=set(allowed), disallowed_special=())

    def encode_in_parts(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> Iterator[list[int]]:
        """Yields the tokens that `encode` returns, in parts if the text is long; some are empty.

        Raises:
            SpecialTokenError: As `encode`, before the first token.
        """
        if len(text) > MAX_ENCODED_CHARACTERS_AT_ONCE:
            return self._encode_long(text, allowed_special, disallowed_special)
        tokens = self.encode(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )
        return iter([tokens])

    def _encode_long(
        self,
        text: str,
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
    ) -> Iterator[list[int]]:
        allowed = SPECIAL_TOKENS.keys() if allowed_special == "all" else allowed_special
        for spelling in _disallowed_in(text, allowed, disallowed_special):
            if spelling is not None:
                raise_disallowed_special_token(spelling)
            yield []
        begin = 0
        for shape in _SPECIAL_SHAPE.finditer(text) if len(allowed) else ():
            if shape.group() in allowed and shape.group() in SPECIAL_TOKENS:
                yield from self.encode_ordinary_in_parts(text[begin : shape.start()])
                yield [SPECIAL_TOKENS[shape.group()]]
                begin = shape.end()
            else:
                yield []
        yield from self.encode_ordinary_in_parts(text[begin:])

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens into bytes, which need not be UTF-8.

        Raises:
            HarmonyError: A token id is not in the vocabulary.
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        try:
            return self._encoding.decode_bytes(tokens)
        except KeyError as error:
            token = next(token for token in map(operator.index, tokens) if not is_token(token))
            raise HarmonyError(f"Invalid token for decoding: {token}") from error

    def decode_replacing(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens into bytes; ids outside the vocabulary become U+FFFD.

        Raises:
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        try:
            return self._encoding.decode_bytes(tokens)
        except KeyError:
            tokens = list(map(operator.index, tokens))
            pieces = []
            begin = 0
            for index, token in enumerate(tokens):
                if not is_token(token):
                    pieces += [self._encoding.decode_bytes(tokens[begin:index]), _REPLACEMENT]
                    begin = index + 1
            return b"".join([*pieces, self._encoding.decode_bytes(tokens[begin:])])

    def decode_utf8(self, tokens: Sequence[int]) -> str:
        """Decodes tokens into text.

        Raises:
            HarmonyError: A token id is not in the vocabulary, or the bytes are not UTF-8.
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        try:
            return self.decode_bytes(tokens).decode()
        except UnicodeDecodeError as error:
            problem = f"Invalid utf-8 sequence: {error.reason} at byte {error.start}"
        except HarmonyError as error:
            problem = f"Invalid token error: {error}"
        raise HarmonyError(f"Could not decode tokens: {problem}")


def width_of(text: str) -> int:
    """Returns how many bytes each character of a text takes in memory: 1, 2 or 4."""
    if text.isascii():
        return 1
    # The size of an object tells it at once; a search through the text would be slow.
    return min((sys.getsizeof(text) - _TEXT_OVERHEAD) // (len(text) + 1), MAX_WIDTH)


def is_token(token: int) -> bool:
    """Returns whether a token id is in the vocabulary."""
    return 0 <= token < VOCABULARY_SIZE


def is_special_token(token: int) -> bool:
    """Returns whether a token id is that of a special token.

    Raises:
        OverflowError: The token id is negative or does not fit into 32 bits.
        TypeError: It is not an integer.
    """
    token = operator.index(token)
    if not 0 <= token <= MAX_UINT32:
        raise OverflowError("out of range integral type conversion attempted")
    return vocabulary.TOKEN_COUNT <= token < VOCABULARY_SIZE


def _decode_if_whole(token: bytes) -> str:
    try:
        return token.decode()
    except UnicodeDecodeError:
        return ""


def _disallowed_in(
    text: str, allowed: AbstractSet[str], disallowed: Literal["all"] | Collection[str]
) -> Iterator[str | None]:
    """Yields the disallowed spellings in a text, in order, and None for others to check."""
    if not disallowed:
        return
    if disallowed == "all":
        for shape in _shapes_in(text):
            yield shape if shape in SPECIAL_TOKENS and shape not in allowed else None
    elif SPECIAL_TOKENS.keys() >= (spellings := frozenset(disallowed)):
        for shape in _shapes_in(text):
            yield shape if shape in spellings else None
    else:
        # Some are not special tokens but other texts to keep out.
        yield from (match.group() for match in _any_of(spellings).finditer(text))


def _special_in(text: str) -> Iterator[str]:
    """Yields the spellings of special tokens in a text, in order."""
    return (shape for shape in _shapes_in(text) if shape in SPECIAL_TOKENS)


def _shapes_in(text: str) -> Iterator[str]:
    """Yields what may be the spelling of a special token, in order."""
    # One scan for their common shape is faster than one scan for each.
    return (match.group() for match in _SPECIAL_SHAPE.finditer(text))


@functools.lru_cache(MAX_REMEMBERED_PATTERNS)
def _any_of(spellings: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, spellings)))
