"""Writes values of a body as JSON again."""

import json
from typing import Final

from ...core.json_text import Number
from .fields import Json

# Around the text of a number; no string of a body has them, because lone surrogates are mended.
_BEGIN: Final = "\ud800"
_END: Final = "\udfff"


def to_json(value: Json) -> str:
    """Returns compact JSON, with the order and the spelling of numbers that the body had."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_mark)
    return text.replace(f'"{_BEGIN}', "").replace(f'{_END}"', "")


def _mark(number: Number) -> str:
    return f"{_BEGIN}{number.text}{_END}"
