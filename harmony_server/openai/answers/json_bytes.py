"""JSON in bytes: exact, and without `json.dumps` for what is written with every token.

Besides what JSON demands, the line ends that only Unicode knows are escaped: clients that cut a
stream into lines with Python's `splitlines`, or HTTPX's `iter_lines`, would cut inside a text.
"""

import json
from json.encoder import encode_basestring
from typing import Any

_NEXT_LINE, _LINE_SEPARATOR, _PARAGRAPH_SEPARATOR = "\x85", "\u2028", "\u2029"


def quoted(text: str) -> bytes:
    """Returns a JSON string, in quotes. Lone surrogates, which UTF-8 lacks, become U+FFFD."""
    return _to_bytes(encode_basestring(text))


def dump(value: Any) -> bytes:
    """Returns a value as compact JSON on one line."""
    return _to_bytes(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def on_one_line(text: str) -> bytes:
    """Returns a JSON text with its line ends, which only stand between its parts, as blanks."""
    return _to_bytes(text.replace("\n", " ").replace("\r", " "))


def _to_bytes(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    if _NEXT_LINE in text:
        text = text.replace(_NEXT_LINE, "\\u0085")
    if _LINE_SEPARATOR in text:
        text = text.replace(_LINE_SEPARATOR, "\\u2028")
    if _PARAGRAPH_SEPARATOR in text:
        text = text.replace(_PARAGRAPH_SEPARATOR, "\\u2029")
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


class QuotedTexts(dict[str, bytes]):
    """Remembers texts as JSON strings.

    Only for the texts of single tokens, of which there are as many as the vocabulary has.
    """

    def __missing__(self, text: str) -> bytes:
        result = self[text] = quoted(text)
        return result


TOKEN_TEXTS = QuotedTexts()
