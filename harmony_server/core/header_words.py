"""The words that recover mode knows in a header: channels, roles, and names that can be called."""

import bisect
import functools
import re
from collections.abc import Iterable

from .header import CHANNEL_SPELLING, CONSTRAIN_SPELLING, ROLES

KNOWN_CHANNELS = ("analysis", "commentary", "final")
# A message to one of these is content; to anyone else, it is a call.
READERS = frozenset({"assistant", "user", "all"})
# Content types that models glue to a channel.
GLUED_TYPES = ("json", "code")
# The namespace of function tools.
_FUNCTIONS = "functions."

MARKER = re.compile(f"{re.escape(CHANNEL_SPELLING)}|{re.escape(CONSTRAIN_SPELLING)}")
# White space around the `=` and signs in front of the name are slips of the model.
RECIPIENT = re.compile(
    r"to\s*(?:=|:(?=\s*[A-Za-z_]\w*\.\w))[\s=:]*[\"'`(]*([^\s<>{}\[\]()\"'`,;=]*)[\"'`)]*",
    re.IGNORECASE,
)
# `namespace.name`, as tools are named.
QUALIFIED_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+", re.ASCII)
CONTENT_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_/+.-]*")
CHANNEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{,63}")
# A word may still become a field while it has only such characters.
FIELD_CHARACTERS = re.compile(r"[A-Za-z0-9_./+:=-]*")


class HeaderWords:
    """The known words; compared by identity, so that parsers with the same words share a cache.

    Args:
        callable_names: Names of what can be called.
        channels: Known channels besides those of the format.
    """

    def __init__(self, callable_names: Iterable[str], channels: Iterable[str]) -> None:
        self.callable_names = frozenset(callable_names)
        self._channels = {name.lower(): name for name in (*KNOWN_CHANNELS, *channels)}
        self.channels = frozenset(self._channels.values())
        in_order = sorted(self._channels, key=len, reverse=True)
        channel, role, kind = ("|".join(map(re.escape, w)) for w in (in_order, ROLES, GLUED_TYPES))
        # A known word ends where another one, `to=` or a sign begins.
        end = (
            rf"(?=[^A-Za-z0-9_]|\Z|(?i:to)\s*=|(?i:{channel}|{role})|(?:{kind})(?![a-z])"
            rf"|{re.escape(_FUNCTIONS)})"
        )
        self.channel = re.compile(f"(?:{channel}){end}")
        self.channel_in_any_case = re.compile(f"(?i:{channel}){end}")
        # Text may be glued to a channel: `analysisWe need`.
        self.channel_before_text = re.compile(f"(?:{channel})(?=[A-Z0-9])")
        self.role = re.compile(f"(?:{role}){end}")
        self.role_in_any_case = re.compile(f"(?i:{role}){end}")
        self.glued_type = re.compile(f"(?:{kind})(?![A-Za-z0-9_])")
        field_words = [*self.channels, *self.callable_names, "to", "TO", "To", _FUNCTIONS]
        self._field_words = sorted(field_words)
        self._roles = sorted(ROLES)

    def channel_of(self, word: str) -> str:
        """Returns a known channel as it is usually written."""
        return self._channels[word.lower()]

    def is_function(self, word: str) -> bool:
        """Returns whether a word can hardly be anything but the name of a function."""
        if word in self.callable_names:
            return "." in word
        return word.startswith(_FUNCTIONS) and QUALIFIED_NAME.fullmatch(word) is not None

    def is_name(self, word: str) -> bool:
        """Returns whether a word is, or has the form of, the name of something to call."""
        return word in self.callable_names or QUALIFIED_NAME.fullmatch(word) is not None

    def without_glued_word(self, name: str) -> str:
        """Returns a recipient without a known word that is glued to it."""
        if name not in self.callable_names:
            for word in (*GLUED_TYPES, *self.channels):
                if (rest := name.removesuffix(word)) != name and rest in self.callable_names:
                    return rest
        return name

    def may_begin_field(self, text: str, *, or_role: bool) -> bool:
        """Returns whether the text of one token may be where a field begins."""
        word = text.strip(" \t\r\n.,;:!?-\u2013\u2014")
        if len(word) > 2 and word[:3].lower() == "to=":
            return True
        return _begins_one(word, self._field_words) or (or_role and _begins_one(word, self._roles))


def _begins_one(text: str, words: list[str]) -> bool:
    """Returns whether a text that is not empty begins one of the words, which are sorted."""
    # All beginnings in a set would take the square of a word's length.
    index = bisect.bisect_left(words, text)
    return text != "" and index < len(words) and words[index].startswith(text)


@functools.lru_cache(64)
def header_words(callable_names: tuple[str, ...], channels: tuple[str, ...]) -> HeaderWords:
    """Returns the known words, the same object for the same names."""
    return HeaderWords(callable_names, channels)
