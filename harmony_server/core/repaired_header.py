"""Header text to header fields in recover mode, when strict mode fails or misreads the header.

Nothing is lost: text that belongs to no field is returned as stray text.
"""

import re
from dataclasses import dataclass, field

from .chat import Role
from .errors import HarmonyError
from .events import Header, RecoveryReason
from .header import CHANNEL_SPELLING, CONSTRAIN_SPELLING, RECIPIENT_PREFIX, ROLES, parse_header

_KNOWN_CHANNELS = ("analysis", "commentary", "final")
# A marker and the characters attached to it, or a word up to white space or the next marker.
_ITEM = re.compile(
    rf"({re.escape(CHANNEL_SPELLING)}|{re.escape(CONSTRAIN_SPELLING)})([^\s<]*)"
    rf"|((?:(?!{re.escape(CHANNEL_SPELLING)}|{re.escape(CONSTRAIN_SPELLING)})\S)+)"
)
_ROLE_RUN = re.compile(f"(?:{'|'.join(ROLES)})+")
_ONE_ROLE = re.compile("|".join(ROLES))
_ROLE_OR_CHANNEL = re.compile(f"(?:{'|'.join([*ROLES, *_KNOWN_CHANNELS])})+")
# Where a field ends if text follows it without `<|message|>` in between.
_CHANNEL_BEFORE_TEXT = re.compile(f"(?:{'|'.join(_KNOWN_CHANNELS)})(?![a-z])")
_NAME_BEFORE_TEXT = re.compile(r"[\w./+:-]*")


@dataclass(slots=True)
class RepairedHeader:
    """A header as read in recover mode.

    Attributes:
        header: The fields.
        text: The text of the message, if the header has no `<|message|>`.
        repairs: The reason of each repair, with the stray text that it recovered.
        stray_words: How many words `text` has.
        is_bare: Whether the header has nothing but perhaps a role.
    """

    header: Header
    text: str = ""
    repairs: list[tuple[RecoveryReason, str]] = field(default_factory=list)
    stray_words: int = 0
    is_bare: bool = False


def read_complete_header(text: str, preset_role: Role | None, default_role: Role) -> RepairedHeader:
    """Reads a header that ended with `<|message|>`, like strict mode unless that misreads it."""
    try:
        header = parse_header(text, preset_role)
    except HarmonyError:
        pass
    else:
        if _makes_sense(text, header):
            return RepairedHeader(header)
    return _Reader(text, preset_role, default_role, has_end=True).read()


def read_unfinished_header(
    text: str, preset_role: Role | None, default_role: Role
) -> RepairedHeader:
    """Reads a header without `<|message|>`; its text begins with the first stray word."""
    return _Reader(text, preset_role, default_role, has_end=False).read()


def could_be_role(text: str) -> bool:
    """Returns whether text outside a message may be the beginning of a header."""
    # Not ASCII may be half a character, which may turn out to be white space.
    if not text.isascii():
        return False
    words = text.split()
    if len(words) <= 1:
        return any(role.startswith("".join(words)) for role in ROLES)
    return words[0] in ROLES and all(
        word.startswith(RECIPIENT_PREFIX) or RECIPIENT_PREFIX.startswith(word) for word in words[1:]
    )


def _makes_sense(text: str, header: Header) -> bool:
    """Returns whether strict mode read every marker and every role as such."""
    if text.count(CHANNEL_SPELLING) > 1 or text.count(CONSTRAIN_SPELLING) > 1:
        return False
    if header.name is not None and header.name not in ROLES and _ROLE_RUN.fullmatch(header.name):
        return False
    recipient = header.recipient
    if recipient is None:
        return True
    is_bare = f"{RECIPIENT_PREFIX}{recipient}" not in text
    return CONSTRAIN_SPELLING not in recipient and not (
        is_bare and _ROLE_OR_CHANNEL.fullmatch(recipient)
    )


class _Reader:
    """Reads one header, item by item."""

    def __init__(
        self, text: str, preset_role: Role | None, default_role: Role, *, has_end: bool
    ) -> None:
        self._text = text
        self._preset_role = preset_role
        self._default_role = default_role
        self._has_end = has_end
        self._items = list(_ITEM.finditer(text))
        self._role: Role | None = None
        self._name: str | None = None
        self._channel: str | None = None
        self._recipient: str | None = None
        self._content_type: str | None = None
        self._repairs: list[tuple[RecoveryReason, str]] = []
        self._strays: list[tuple[int, int]] = []
        # What the next word may be.
        self._expects_role = True
        self._expects_channel = has_end and CHANNEL_SPELLING not in text

    def read(self) -> RepairedHeader:
        text_begin = len(self._text)
        for item in self._items:
            used = self._read_item(item)
            if used < item.end():
                if not self._has_end:
                    text_begin = used
                    break
                self._add_stray(used, item.end())
        if self._role is None:
            self._role = self._preset_role or self._default_role
            if self._preset_role is None:
                self._repair(RecoveryReason.MALFORMED_ROLE)
        if self._has_end:
            self._settle_strays()
        header = Header(self._role, self._name, self._recipient, self._channel, self._content_type)
        text = self._text[text_begin:]
        return RepairedHeader(
            header,
            text,
            self._repairs,
            stray_words=len(text.split()),
            is_bare=not (text or self._channel or self._recipient or self._content_type),
        )

    def _read_item(self, item: re.Match[str]) -> int:
        """Reads an item and returns where its used part ends: at its start if it is no field."""
        marker, run, word = item.groups()
        if marker == CHANNEL_SPELLING:
            return self._read_channel(run, item)
        if marker == CONSTRAIN_SPELLING:
            return self._read_content_type(run, item)
        if self._expects_role and self._read_role(word):
            return item.end()
        self._expects_role = False
        if word.startswith(RECIPIENT_PREFIX):
            return self._read_recipient(word, item)
        if self._expects_channel and word in _KNOWN_CHANNELS:
            self._expects_channel = False
            self._channel = word
            if CHANNEL_SPELLING not in self._text:
                self._repair(RecoveryReason.MALFORMED_CHANNEL)
            return item.end()
        return item.start()

    def _read_channel(self, run: str, item: re.Match[str]) -> int:
        if not run:
            self._repair(RecoveryReason.MALFORMED_CHANNEL)
            self._expects_channel = self._channel is None
            return item.end()
        if not self._has_end and (known := _CHANNEL_BEFORE_TEXT.match(run)):
            run = known.group()
        if self._channel is None:
            self._channel = run
        else:
            self._repair(RecoveryReason.REPEATED_CHANNEL, run)
        return item.start(2) + len(run)

    def _read_content_type(self, run: str, item: re.Match[str]) -> int:
        if self._content_type is not None:
            return item.start()
        if not self._has_end:
            run = _match(_NAME_BEFORE_TEXT, run)
        elif self._recipient is None:
            self._repair(RecoveryReason.MISPLACED_CONTENT_TYPE)
        self._content_type = CONSTRAIN_SPELLING + run
        return item.start(2) + len(run)

    def _read_recipient(self, word: str, item: re.Match[str]) -> int:
        recipient = word.removeprefix(RECIPIENT_PREFIX)
        if not self._has_end:
            recipient = _match(_NAME_BEFORE_TEXT, recipient)
        if self._recipient is None:
            self._recipient = recipient
        else:
            self._repair(RecoveryReason.REPEATED_RECIPIENT, f"{RECIPIENT_PREFIX}{recipient}")
        return item.start() + len(RECIPIENT_PREFIX) + len(recipient)

    def _read_role(self, word: str) -> bool:
        """Reads a word that may be a role; returns whether it is."""
        known = _ROLE_RUN.match(word)
        rest = word[known.end() :] if known else word
        if known and not rest:
            self._add_role(word)
            return True
        if known and rest in _KNOWN_CHANNELS and self._expects_channel:
            self._add_role(known.group())
            self._channel, self._expects_channel = rest, False
            self._repair(RecoveryReason.MALFORMED_ROLE)
            return True
        words = sum(other.group(1) != CHANNEL_SPELLING for other in self._items)
        is_alone = words == 1 or not self._has_end
        if self._role or self._preset_role or is_alone or word.startswith(RECIPIENT_PREFIX):
            return False
        # As in strict mode, an unknown word before others is a tool's name.
        self._role, self._name, self._expects_role = Role.TOOL, word, False
        return True

    def _add_role(self, run: str) -> None:
        if self._role is None:
            written = self._preset_role.value if self._preset_role else _match(_ONE_ROLE, run)
            if run.startswith(written):
                self._role, run = ROLES[written], run.removeprefix(written)
                self._name = written if self._role is Role.TOOL and not self._preset_role else None
        if run:
            self._repair(RecoveryReason.MALFORMED_ROLE, run)

    def _add_stray(self, begin: int, end: int) -> None:
        """Adds a stray word; adjacent ones become one text, with the white space between them."""
        if self._strays and not self._text[self._strays[-1][1] : begin].strip():
            begin = self._strays.pop()[0]
        self._strays.append((begin, end))

    def _settle_strays(self) -> None:
        strays = [self._text[begin:end] for begin, end in self._strays]
        could_be_type = self._recipient is not None and self._content_type is None
        is_last_word = [*strays] == self._text.split()[-1:]
        if could_be_type and is_last_word:
            self._content_type = strays.pop()
        for stray in strays:
            self._repair(RecoveryReason.UNEXPECTED_HEADER_TEXT, stray)

    def _repair(self, reason: RecoveryReason, text: str = "") -> None:
        self._repairs.append((reason, text))


def _match(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.match(text)
    return match.group() if match else ""
