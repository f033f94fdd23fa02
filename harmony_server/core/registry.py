"""Loads encodings by name."""

import functools
from enum import Enum

from .encoding import HarmonyEncoding


class HarmonyEncodingName(str, Enum):
    """The names of the available encodings."""

    HARMONY_GPT_OSS = "HarmonyGptOss"

    def __str__(self) -> str:
        return str(self.value)


def load_harmony_encoding(name: str | HarmonyEncodingName) -> HarmonyEncoding:
    """Returns an encoding, which is loaded once per process.

    Raises:
        ValueError: An unknown name.
        HarmonyError: The vocabulary is missing or damaged.
    """
    known = {str(encoding_name) for encoding_name in HarmonyEncodingName}
    if str(name) not in known:
        raise ValueError(f"Invalid HarmonyEncodingName: {name}")
    return _load(str(name))


@functools.cache
def _load(name: str) -> HarmonyEncoding:
    return HarmonyEncoding(name)
