"""The tokenizer `o200k_harmony`: `o200k_base` with harmony's special tokens."""

import functools
import itertools
import operator
import re
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import tiktoken

from . import vocabulary
from .bounds import MAX_BLANKS_AT_ONCE, MAX_ENCODED_CHARACTERS_AT_ONCE, MAX_REMEMBERED_PATTERNS
from .errors import HarmonyError, SpecialTokenError

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

# The pre-tokenisation pattern of tiktoken's o200k_base (MIT licence): how text is cut into the
# pieces that are merged on their own.
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

# The pattern's \s without the ends of lines, which the engine takes in another way.
_BLANK = "[\t\x0b\x0c \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_LONG_BLANKS = re.compile(rf"(?<!{_BLANK}){_BLANK}{{{MAX_BLANKS_AT_ONCE},}}+(?![\r\n])")
_SPECIAL_SHAPE = re.compile(r"<\|[a-z0-9_]+\|>")
_SAFE_CUT = re.compile("(?<=[A-Za-z]) (?=[A-Za-z])")


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
        special_tokens = sorted(SPECIAL_TOKENS, key=SPECIAL_TOKENS.__getitem__)
        self._texts = [*map(_decode_if_whole, tokens), *special_tokens]
        self._content_texts: dict[frozenset[int], list[str]] = {}

    def content_texts(self, breaks: frozenset[int]) -> Sequence[str]:
        """Returns for each token id the text that it stands for in a message's content.

        Empty where that takes more than the token itself: bytes that are not whole UTF-8 alone, and
        the tokens in `breaks`. Other special tokens are spelled out.
        """
        texts = self._content_texts.get(breaks)
        if texts is None:
            texts = self._texts.copy()
            for token in breaks:
                texts[token] = ""
            self._content_texts[breaks] = texts
        return texts

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text; spellings of special tokens stay text. Lone surrogates become U+FFFD."""
        if len(text) <= MAX_ENCODED_CHARACTERS_AT_ONCE:
            return self._encoding.encode_ordinary(text)
        return list(itertools.chain.from_iterable(self.encode_in_parts(text)))

    def encode_in_parts(self, text: str) -> Iterator[list[int]]:
        """Yields the tokens of a text part by part, a long one in many; as `encode_ordinary`."""
        return map(self._encode_part, _split_long(text))

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Encodes text in which spellings of special tokens may become special tokens.

        Args:
            text: The text. Lone surrogates become U+FFFD.
            allowed_special: The spellings that become the special token.
            disallowed_special: The spellings whose presence is an error; by default every one
                that is not allowed. What is neither is encoded as text.

        Raises:
            SpecialTokenError: The text holds a disallowed spelling.
        """
        # Those that stand in the text do for all: a set of a thousand costs more than a short text.
        allowed = set(_special_in(text)) if allowed_special == "all" else allowed_special
        for spelling in _disallowed_in(text, allowed, disallowed_special):
            raise SpecialTokenError(spelling)
        if len(allowed) == 0:  # None is no set: a TypeError
            return self.encode_ordinary(text)
        if len(text) <= MAX_ENCODED_CHARACTERS_AT_ONCE:
            return self._encoding.encode(text, allowed_special=set(allowed), disallowed_special=())
        tokens: list[int] = []
        begin = 0
        for shape in _SPECIAL_SHAPE.finditer(text):
            if shape.group() in allowed and shape.group() in SPECIAL_TOKENS:
                tokens += self.encode_ordinary(text[begin : shape.start()])
                tokens.append(SPECIAL_TOKENS[shape.group()])
                begin = shape.end()
        return tokens + self.encode_ordinary(text[begin:])

    def _encode_part(self, text: str) -> list[int]:
        if len(text) <= MAX_BLANKS_AT_ONCE:
            return self._encoding.encode_ordinary(text)
        tokens: list[int] = []
        begin = 0
        for blanks in _LONG_BLANKS.finditer(text):
            # A piece of the pattern, but for the last blank, which belongs to what follows.
            end = blanks.end() if blanks.end() == len(text) else blanks.end() - 1
            tokens += self._encoding.encode_ordinary(text[begin : blanks.start()])
            tokens += self._encoding._encode_single_piece(text[blanks.start() : end])
            begin = end
        rest = self._encoding.encode_ordinary(text[begin:])
        # Millions of tokens are better not copied.
        return tokens + rest if tokens else rest

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens into bytes, which need not be UTF-8.

        Raises:
            HarmonyError: A token id is not in the vocabulary.
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        try:
            return self._encoding.decode_bytes(tokens)
        except KeyError as error:
            token = next(token for token in tokens if not is_token(token))
            raise HarmonyError(f"Invalid token for decoding: {token}") from error

    def decode_replacing(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens into bytes; an id that the vocabulary does not have becomes U+FFFD.

        Raises:
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        try:
            return self._encoding.decode_bytes(tokens)
        except KeyError:
            pieces = []
            begin = 0
            for place in (index for index, token in enumerate(tokens) if not is_token(token)):
                pieces += [self._encoding.decode_bytes(tokens[begin:place]), _REPLACEMENT]
                begin = place + 1
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


def _split_long(text: str) -> Iterator[str]:
    """Cuts a long text where the pattern cuts it too, so that its parts encode to the same tokens.

    A blank between two ASCII letters begins a piece of the pattern: what is before it ends with
    the letter, and no piece that holds letters goes on behind a blank. Encoded part by part, a
    text of megabytes does not keep other threads from the interpreter while its tokens are made.
    """
    begin = 0
    while len(text) - begin > MAX_ENCODED_CHARACTERS_AT_ONCE:
        cut = _SAFE_CUT.search(text, begin + MAX_ENCODED_CHARACTERS_AT_ONCE)
        if cut is None:
            break
        yield text[begin : cut.start()]
        begin = cut.start()
    yield text[begin:]


def is_token(token: int) -> bool:
    """Says whether the vocabulary has a token id."""
    return 0 <= token < VOCABULARY_SIZE


def is_special_token(token: int) -> bool:
    """Says whether a token id is that of a special token.

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
) -> Iterator[str]:
    """Yields the disallowed spellings that stand in a text, from its beginning on."""
    if not disallowed:
        return
    if disallowed == "all":
        yield from (it for it in _special_in(text) if it not in allowed)
    elif SPECIAL_TOKENS.keys() >= (spellings := frozenset(disallowed)):
        yield from (it for it in _special_in(text) if it in spellings)
    else:
        # Not special tokens: whatever the caller wants to keep out.
        yield from (match.group() for match in _any_of(spellings).finditer(text))


def _special_in(text: str) -> Iterator[str]:
    """Yields the special tokens that stand in a text, from its beginning on."""
    # One scan for the shape that all have is faster than one for each.
    shapes = (match.group() for match in _SPECIAL_SHAPE.finditer(text))
    return (it for it in shapes if it in SPECIAL_TOKENS)


@functools.lru_cache(MAX_REMEMBERED_PATTERNS)
def _any_of(spellings: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, spellings)))
