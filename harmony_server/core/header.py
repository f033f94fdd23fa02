"""Header text to header fields, read as the reference does."""

import re
from typing import NamedTuple

from .chat import Role
from .errors import HarmonyError
from .events import Header

CHANNEL_SPELLING = "<|channel|>"
CONSTRAIN_SPELLING = "<|constrain|>"
RECIPIENT_PREFIX = "to="
ROLES = {role.value: role for role in Role}

# Unicode's White_Space, which Rust trims. Python's str.strip also trims U+001C to U+001F.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_CHANNEL_NAME = re.compile(f"[^<{_WHITE_SPACE}]*")
# Rust's split_ascii_whitespace knows no vertical tab.
_WORD = re.compile(r"[^ \t\n\f\r]+")


class _Split(NamedTuple):
    role: Role
    name: str | None
    channel: str | None
    words: list[str]


def parse_header(text: str, preset_role: Role | None) -> Header:
    """Reads a header that ended with `<|message|>`; special tokens in `text` are spelled out.

    Raises:
        HarmonyError: The channel is empty, the role is missing or unknown, or words are left over.
    """
    role, name, channel, words = _split(text, preset_role)
    recipient = content_type = None
    if words:
        last = words.pop()
        if words and not last.startswith(RECIPIENT_PREFIX):
            content_type = last
            last = words.pop()
        recipient = last.removeprefix(RECIPIENT_PREFIX)
    if words:
        raise HarmonyError(f"unexpected tokens remaining in message header: {' '.join(words)!r}")
    return Header(role, name, recipient, channel, content_type)


def parse_unfinished_header(text: str, preset_role: Role) -> tuple[Header, str]:
    """Reads a header that ended with a stop token; returns it and the text after the channel.

    Raises:
        HarmonyError: The channel is empty.
    """
    role, name, channel, words = _split(text, preset_role)
    return Header(role, name, None, channel, None), " ".join(words)


def _split(text: str, preset_role: Role | None) -> _Split:
    channel, text = _cut_channel(text)
    text = text.strip(_WHITE_SPACE).replace(CONSTRAIN_SPELLING, f" {CONSTRAIN_SPELLING}")
    words = _WORD.findall(text)
    role, name = preset_role, None
    if role is None:
        if not words:
            raise HarmonyError("message header did not contain a role")
        first = words[0]
        role = ROLES.get(first)
        if role is None:
            if len(words) == 1 and not first.startswith(RECIPIENT_PREFIX):
                raise HarmonyError(f"Unknown role: {first}")
            role = Role.TOOL
            del words[0]
        if role is Role.TOOL:
            name = first
    if words and words[0] == role.value:
        del words[0]
    return _Split(role, name, channel, words)


def _cut_channel(text: str) -> tuple[str | None, str]:
    before, marker, after = text.partition(CHANNEL_SPELLING)
    if not marker:
        return None, text
    match = _CHANNEL_NAME.match(after)
    channel = match.group() if match else ""
    if not channel:
        raise HarmonyError("channel marker present but no channel value found in header")
    return channel, before + after[len(channel) :]
