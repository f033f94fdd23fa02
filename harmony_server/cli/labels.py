"""Labels each token with its part in a message.

For tokens alone this is a guess. Unlike the parser, it never fails: in malformed output it labels
tokens as they were probably meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from ..core import Rendered, TokenPart
from ..core.structure import STOP_TOKENS
from ..core.tokenizer import MESSAGE, START, is_special_token

_HEADER_ENDS = STOP_TOKENS | {START, MESSAGE}
_ROLES = {b"user", b"assistant", b"system", b"developer", b"tool"}
_HEADER_PART = re.compile(
    rb"<\|channel\|>(?P<channel>[^\s<]*)|(?P<word>(?:<\|constrain\|>)?[^\s<]+)|<\|\w+\|>|<"
)
_CONSTRAIN = b"<|constrain|>"


class Label(Enum):
    """The part that a token plays in a message."""

    SPECIAL = "special"
    ROLE = "role"
    RECIPIENT = "recipient"
    CHANNEL = "channel"
    CONTENT_TYPE = "content type"
    HEADER = "header"
    CONTENT = "content"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


_LABELS = {
    # The structural tokens.
    TokenPart.START: Label.SPECIAL,
    TokenPart.MESSAGE: Label.SPECIAL,
    TokenPart.STOP: Label.SPECIAL,
    TokenPart.AUTHOR: Label.ROLE,
    TokenPart.NAME: Label.ROLE,
    TokenPart.RECIPIENT: Label.RECIPIENT,
    TokenPart.CHANNEL: Label.CHANNEL,
    TokenPart.CONTENT_TYPE: Label.CONTENT_TYPE,
    TokenPart.CONTENT: Label.CONTENT,
}


def label_rendered(rendered: Rendered) -> list[Label]:
    """Returns the label of each token of a render, of which each part is known."""
    return [
        Label.SPECIAL if is_special_token(token) else _LABELS[run.part]
        for run in rendered
        for token in rendered.tokens[run.begin : run.end]
    ]


def label_tokens(tokens: Sequence[int], texts: Mapping[int, bytes]) -> list[Label]:
    """Returns the label of each token; `texts` has the bytes of all tokens in the vocabulary.

    `ROLE` may be the name of a tool. `HEADER` is white space or text that is no field.
    """
    labels = [Label.OUTSIDE] * len(tokens)
    inside = False
    position = 0
    while position < len(tokens):
        starts = tokens[position] == START
        if starts or position == 0:
            begin = position + starts
            end = _header_end(tokens, begin)
            complete = end < len(tokens) and tokens[end] == MESSAGE
            # A completion begins inside a header, and a new header can interrupt content.
            if complete or (starts and not inside):
                header = [texts.get(token, b"") for token in tokens[begin:end]]
                labels[begin:end] = _label_header(header, starts)
                inside = complete
                position = end + complete
                continue
        if tokens[position] in STOP_TOKENS:
            inside = False
        elif inside:
            labels[position] = Label.CONTENT
        position += 1
    for index, token in enumerate(tokens):
        if is_special_token(token):
            labels[index] = Label.SPECIAL
        elif token not in texts:
            labels[index] = Label.UNKNOWN
    return labels


def _header_end(tokens: Sequence[int], begin: int) -> int:
    for index in range(begin, len(tokens)):
        if tokens[index] in _HEADER_ENDS:
            return index
    return len(tokens)


def _label_header(texts: Sequence[bytes], starts: bool) -> list[Label]:
    fields = list(_fields(b"".join(texts), starts))
    labels = []
    end = 0
    for text in texts:
        begin, end = end + len(text) - len(text.lstrip()), end + len(text)
        labels.append(
            next(
                (label for label, (left, right) in fields if left < end and begin < right),
                Label.HEADER,
            )
        )
    return labels


def _fields(header: bytes, starts: bool) -> Iterator[tuple[Label, tuple[int, int]]]:
    """Yields each field of a header with the range of its bytes."""
    words = []
    for match in _HEADER_PART.finditer(header):
        if match["channel"]:
            yield Label.CHANNEL, match.span("channel")
        elif match["word"]:
            words.append(match)
    if words and (starts or words[0]["word"] in _ROLES):
        yield Label.ROLE, words.pop(0).span()
    last = words[-1]["word"] if words else b""
    # The parser reads a lone word as the recipient even after <|constrain|>; the model meant the
    # content type.
    if last.startswith(_CONSTRAIN) or (len(words) > 1 and not last.startswith(b"to=")):
        yield Label.CONTENT_TYPE, words.pop().span()
    if words:
        yield Label.RECIPIENT, words[-1].span()
