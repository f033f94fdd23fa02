"""Header text to header fields in recover mode: a header is evidence, not position.

Fields are recognised wherever they stand. A word that is no field is stray: in front of a call's
recipient, and in a header that names nobody to call, it is text; behind the recipient, it is
reported. docs/recovery.md describes the rules.
"""

import functools
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from .bounds import (
    MAX_HEADER_MARKERS,
    MAX_HEADER_WORDS,
    MAX_LOOSE_WORDS,
    MAX_REMEMBERED_CONTEXTS,
    MAX_UNDECIDED_WORDS,
)
from .chat import Role
from .errors import HarmonyError
from .events import Header, RecoveryReason
from .header import CHANNEL_SPELLING, CONSTRAIN_SPELLING, RECIPIENT_PREFIX, ROLES, parse_header
from .header_words import (
    CHANNEL_NAME,
    CONTENT_TYPE,
    FIELD_CHARACTERS,
    GLUED_TYPES,
    MARKER,
    READERS,
    RECIPIENT,
    HeaderWords,
)

# A marker begins with `<`; to look for it at each character would take ten times as long.
_WORD = re.compile(rf"(?:[^\s<]++|(?!{MARKER.pattern})<)+")
_SPACE = re.compile(r"\s*")
_SIGNS = re.compile(r"[^\w\s{\[]+")
_ARGUMENTS = re.compile(r"[{\[]")
_TYPE_BEHIND_MARKER = re.compile(
    rf"(?:{'|'.join(GLUED_TYPES)})(?=(?i:to)\s*=)|(?!(?i:to)\s*[=:]){CONTENT_TYPE.pattern}"
)
_AUTHOR_NAME = re.compile(r":([A-Za-z_][\w.-]*)")
_SECOND_HALF_OF_NAME = re.compile(r"\s+([A-Za-z_][\w-]*)")
_SEPARATORS = ".,:;!?"


class HeaderEnd(Enum):
    """What follows the text of a header."""

    # Part of cache keys; Enum's own hash is a slow Python function.
    __hash__ = object.__hash__

    OPEN = "open"  # perhaps more of the header
    MESSAGE = "message"
    OTHER = "other"


# Looked up for each header; Python 3.11 takes long to look up a member of an Enum.
OPEN_END = HeaderEnd.OPEN
MESSAGE_END = HeaderEnd.MESSAGE


@dataclass(frozen=True, slots=True, eq=False)
class HeaderContext:
    """What a header is read with; compared by identity, so that it is a fast part of cache keys.

    `header_context` returns the same object for the same values.

    Attributes:
        words: The known words.
        preset_role: The role, if the prompt or the text before the header gave it.
        default_role: The role of a header without one.
        channel: The channel of a header without one.
        is_called: Whether the first unknown word of the header is the recipient of an earlier call.
        is_loose: Whether the header may be no more than words of a text.
    """

    words: HeaderWords
    preset_role: Role | None
    default_role: Role
    channel: str | None = None
    is_called: bool = False
    is_loose: bool = False


@functools.lru_cache(MAX_REMEMBERED_CONTEXTS)
def header_context(
    words: HeaderWords,
    preset_role: Role | None,
    default_role: Role,
    *,
    channel: str | None = None,
    is_called: bool = False,
    is_loose: bool = False,
) -> HeaderContext:
    """Returns a context, the same object for the same values."""
    return HeaderContext(words, preset_role, default_role, channel, is_called, is_loose)


@dataclass(slots=True)
class RepairedHeader:
    """A header as read in recover mode.

    Attributes:
        header: The fields.
        text_begin: Where text begins that is certainly not part of the header, or None.
        repairs: The reason of each repair, with the stray text that it recovered.
        is_bare: Whether the header has nothing but perhaps a role.
        is_call: Whether the header has the recipient of a call; stray words behind it are held.
        unknown_word: A first word that is a tool's name if that tool has been called.
        has_too_many_words: Whether there are more words in doubt than a text is searched for.
    """

    header: Header
    text_begin: int | None = None
    repairs: list[tuple[RecoveryReason, str]] = field(default_factory=list)
    is_bare: bool = False
    is_call: bool = False
    unknown_word: str | None = None
    has_too_many_words: bool = False


def read_header(text: str, context: HeaderContext, end: HeaderEnd) -> RepairedHeader:
    """Reads a header, as strict mode does if that makes sense of every word."""
    strict = _read_strictly(text, context) if end is MESSAGE_END else None
    if strict is not None and _makes_sense(text, strict, context):
        return RepairedHeader(_complete(strict, context), is_call=_is_called(strict.recipient))
    repaired = _Reader(text, context, end).read()
    is_silent = not repaired.repairs and repaired.text_begin is None
    is_other = strict is None or _complete(strict, context) != repaired.header
    if end is MESSAGE_END and is_silent and is_other:
        repaired.repairs.append((RecoveryReason.UNEXPECTED_HEADER_TEXT, ""))
    return repaired


def _is_called(recipient: str | None) -> bool:
    return recipient is not None and recipient not in READERS


def _read_strictly(text: str, context: HeaderContext) -> Header | None:
    try:
        return parse_header(text, context.preset_role)
    except HarmonyError:
        return None


def _complete(header: Header, context: HeaderContext) -> Header:
    return header if header.channel else header._replace(channel=context.channel)


def _makes_sense(text: str, header: Header, context: HeaderContext) -> bool:
    """Returns whether strict mode read every marker and every word as what it is."""
    words = context.words
    role, name, recipient, channel, content_type = header
    if channel is not None and content_type is not None:
        is_bare = not content_type.startswith(CONSTRAIN_SPELLING)
        # A bare word before the channel is text, as it is token by token.
        if is_bare and text.rfind(content_type) < text.find(CHANNEL_SPELLING):
            return False
    if text.count(CHANNEL_SPELLING) > 1 or text.count(CONSTRAIN_SPELLING) > 1:
        return False
    if channel is not None and channel not in words.channels:
        return False
    if role is Role.TOOL and name is not None and name != role.value:
        is_result = recipient in READERS or words.is_name(name) or context.is_called
        is_result = is_result and CONTENT_TYPE.fullmatch(name) is not None
        if not is_result or RECIPIENT.match(name) or ":" in name or words.role.match(name):
            return False
    if recipient is not None:
        if f"{RECIPIENT_PREFIX}{recipient}" not in text.split() and (
            f"{RECIPIENT_PREFIX}{recipient}<" not in text or not words.is_name(recipient)
        ):
            return False
        written = RECIPIENT.fullmatch(f"{RECIPIENT_PREFIX}{recipient}")
        if written is None or written[1] != recipient or recipient[-1:] in _SEPARATORS:
            return False
        if recipient != _name_of(recipient, words):
            return False
    return content_type is None or _is_content_type(content_type, words)


def _is_content_type(content_type: str, words: HeaderWords) -> bool:
    kind = content_type.removeprefix(CONSTRAIN_SPELLING)
    if kind != content_type:
        return not kind or CONTENT_TYPE.fullmatch(kind) is not None
    is_other = kind == "to" or kind in ROLES or kind in words.channels or RECIPIENT.match(kind)
    return not is_other and CONTENT_TYPE.fullmatch(kind) is not None


def _name_of(written: str, words: HeaderWords) -> str:
    if written.lower() in READERS:
        return written.lower()
    return words.without_glued_word(written)


class _Kind:
    """What an undecided word is, unless text follows it; no Enum, which would be slow."""

    CHANNEL: Final = "a channel of the model's own"
    CHANNEL_WORD: Final = "a known channel without a marker"
    CONTENT_TYPE: Final = "a content type without a marker"
    NAME: Final = "the name of something to call"
    ROLE: Final = "a role that is not the message's"
    STRAY: Final = "none"


class _Undecided(NamedTuple):
    kind: str
    begin: int
    end: int
    # Where text begins that may be glued to a channel.
    cut: int | None = None


class _Stray(NamedTuple):
    reason: RecoveryReason
    begin: int
    end: int


class _Reader:
    """Reads one header, word by word."""

    def __init__(self, text: str, context: HeaderContext, end: HeaderEnd) -> None:
        self._text = text
        self._context = context
        self._words = context.words
        self._end = end
        self._role: Role | None = None
        self._name: str | None = None
        self._channel: str | None = None
        self._channel_range = (0, 0)
        self._recipient: str | None = None
        self._recipient_range = (0, 0)
        self._is_bare_recipient = False
        self._content_type: str | None = None
        self._type_range = (0, 0)
        self._reasons: dict[RecoveryReason, None] = {}
        self._strays: list[_Stray] = []
        self._undecided: list[_Undecided] = []
        # The first word behind `<|start|>` if only later words say whether it is a tool's name.
        self._tool_word: tuple[int, int] | None = None
        # Whether a role may come next, and whether the name of a channel should.
        self._expects_role = True
        self._expects_channel = False
        self._channel_marker_end = -1
        # Where the last field ended.
        self._fields_end = 0
        self._text_begin: int | None = None
        self._too_many_words = False
        # Whether the last word is incomplete, and what it is depends on the rest.
        self._is_cut_off = False

    def read(self) -> RepairedHeader:
        position = words_read = markers_read = 0
        while self._text_begin is None and not self._is_cut_off:
            position = self._skip_space(position)
            if position == len(self._text):
                break
            marker = MARKER.match(self._text, position)
            words_read += marker is None
            markers_read += marker is not None
            if words_read > MAX_HEADER_WORDS or markers_read > MAX_HEADER_MARKERS:
                self._begin_text_or_arguments(position)
            elif marker is None:
                position = self._read_word(position)
            elif marker.group() == CHANNEL_SPELLING:
                position = self._read_channel_marker(marker)
            else:
                position = self._read_constrain_marker(marker)
            if self._has_too_many_words():
                self._too_many_words = True
                self._begin_text(position)
        if self._text_begin is None:
            self._settle()
        return self._result()

    def _skip_space(self, position: int) -> int:
        space = _SPACE.match(self._text, position)
        return space.end() if space else position

    def _has_too_many_words(self) -> bool:
        if self._is_call or self._text_begin is not None:
            return False
        if not self._context.is_loose:
            return len(self._undecided) > MAX_UNDECIDED_WORDS
        return len(self._undecided) + len(self._strays) > MAX_LOOSE_WORDS

    @property
    def _is_call(self) -> bool:
        return _is_called(self._recipient)

    # Markers

    def _read_channel_marker(self, marker: re.Match[str]) -> int:
        kinds = {it.kind for it in self._undecided}
        if not self._is_call and _Kind.CONTENT_TYPE in kinds and _Kind.NAME not in kinds:
            self._begin_text(marker.start())
            return marker.start()
        self._decide(is_channel_next=True)
        self._miss_channel()
        self._expects_role = False
        self._expects_channel = True
        self._channel_marker_end = self._fields_end = marker.end()
        return marker.end()

    def _miss_channel(self) -> None:
        """Notes that a field other than a channel follows `<|channel|>`."""
        if self._expects_channel:
            self._expects_channel = False
            self._note(RecoveryReason.MALFORMED_CHANNEL)

    def _read_constrain_marker(self, marker: re.Match[str]) -> int:
        self._decide()
        self._miss_channel()
        self._expects_role = False
        begin = self._skip_space(marker.end())
        written = _TYPE_BEHIND_MARKER.match(self._text, begin)
        if written is None or self._is_known_word(written):
            self._fields_end = marker.end()
            if self._content_type is None:
                self._content_type = CONSTRAIN_SPELLING
            return marker.end()
        kind, end = written.group(), written.end()
        self._fields_end = end
        if self._recipient is None and self._words.is_name(kind.rstrip(_SEPARATORS)):
            self._note(RecoveryReason.MISPLACED_CONTENT_TYPE)
            name = kind.rstrip(_SEPARATORS)
            self._set_recipient(name, begin, begin + len(name), is_bare=True)
            self._fields_end = end
            if name != kind:
                self._add_stray(RecoveryReason.UNEXPECTED_HEADER_TEXT, begin + len(name), end)
        elif self._content_type in (None, CONSTRAIN_SPELLING):
            if begin > marker.end() or self._content_type:
                self._note(RecoveryReason.MISPLACED_CONTENT_TYPE)
            self._content_type = CONSTRAIN_SPELLING + kind
        elif not self._content_type.startswith(CONSTRAIN_SPELLING):
            # The type with the marker is the better evidence.
            self._add_stray(RecoveryReason.UNEXPECTED_HEADER_TEXT, *self._type_range)
            self._content_type = CONSTRAIN_SPELLING + kind
        else:
            self._add_stray(RecoveryReason.MISPLACED_CONTENT_TYPE, begin, end)
        return end

    def _is_known_word(self, written: re.Match[str]) -> bool:
        word = written.group()
        return word in ROLES or word in self._words.channels

    # Words

    def _read_word(self, begin: int) -> int:
        match = _WORD.match(self._text, begin)
        assert match is not None
        end = match.end()
        position = begin
        while position < end and self._text_begin is None and not self._is_cut_off:
            position = self._read_part(position, begin, end)
        return max(position, end)

    def _read_part(self, begin: int, word_begin: int, end: int) -> int:
        """Reads one field, sign or unknown rest of a word; returns where it ends."""
        text = self._text
        is_open = self._end is OPEN_END and end == len(text)
        if is_open and FIELD_CHARACTERS.fullmatch(text, begin, end):
            self._is_cut_off = True
            return end
        is_first_part = begin == word_begin
        recipient = RECIPIENT.match(text, begin)
        if recipient and self._may_be_recipient(recipient):
            return self._read_recipient(recipient)
        read_end = self._read_role(begin, end)
        if read_end is None:
            read_end = self._read_channel(begin, word_begin, end)
        if read_end is None:
            read_end = self._read_glued_type(begin, word_begin, end)
        if read_end is None:
            read_end = self._read_name(begin, end)
        if read_end is not None:
            return read_end
        if arguments := _ARGUMENTS.match(text, begin, end):
            self._add_unknown(arguments.start(), end)
            return end
        if signs := _SIGNS.match(text, begin, end):
            is_separator = signs.end() == end and not is_first_part
            if is_separator and not signs.group().strip(_SEPARATORS) and not self._undecided:
                self._add_stray(RecoveryReason.UNEXPECTED_HEADER_TEXT, begin, end)
            else:
                self._undecided.append(_Undecided(_Kind.STRAY, begin, signs.end()))
            return signs.end()
        self._read_unknown(begin, end, is_first_part=is_first_part)
        return end

    def _may_be_recipient(self, recipient: re.Match[str]) -> bool:
        is_open = self._end is OPEN_END and recipient.end() == len(self._text)
        if is_open or not self._context.is_loose:
            return True
        name = recipient[1].rstrip(_SEPARATORS)
        is_exact = recipient.group().startswith(f"{RECIPIENT_PREFIX}{name}") and name.isidentifier()
        return not name or is_exact or self._words.is_name(name) or name.lower() in READERS

    def _read_recipient(self, match: re.Match[str]) -> int:
        if self._end is OPEN_END and match.end() == len(self._text):
            self._is_cut_off = True
            return match.end()
        name, end = match[1].rstrip(_SEPARATORS), match.end()
        if not name:
            self._undecided.append(_Undecided(_Kind.STRAY, match.start(), end))
            return end
        if match[1].endswith("."):
            rest = _SECOND_HALF_OF_NAME.match(self._text, end)
            if rest and self._words.is_function(f"{name}.{rest[1]}"):
                if self._end is OPEN_END and rest.end() == len(self._text):
                    self._is_cut_off = True
                    return rest.end()
                name, end = f"{name}.{rest[1]}", rest.end()
        name = _name_of(name, self._words)
        self._decide()
        self._miss_channel()
        self._expects_role = False
        if match.group() != f"{RECIPIENT_PREFIX}{name}":
            self._note(RecoveryReason.UNEXPECTED_HEADER_TEXT)
        name_begin, name_end = self._find_name(name, match.start(1), end)
        self._set_recipient(name, match.start(), name_end)
        self._fields_end = end
        # Quotes and other signs around the name are no part of it, and must not be lost.
        opening = self._text[match.start() + len("to") : name_begin].lstrip(" \t\n\r=")
        for stray_begin, stray_end in ((name_begin - len(opening), name_begin), (name_end, end)):
            if self._text[stray_begin:stray_end].strip():
                self._add_stray(RecoveryReason.UNEXPECTED_HEADER_TEXT, stray_begin, stray_end)
        return end

    def _find_name(self, name: str, begin: int, end: int) -> tuple[int, int]:
        """Returns the range of a name in the text; all of it if white space splits the name."""
        place = self._text[begin:end].lower().find(name.lower())
        return (begin, end) if place < 0 else (begin + place, begin + place + len(name))

    def _set_recipient(self, name: str, begin: int, end: int, *, is_bare: bool = False) -> None:
        old, (old_begin, old_end) = self._recipient, self._recipient_range
        self._fields_end = end
        if old is not None and self._rank(old, is_bare=self._is_bare_recipient) >= self._rank(
            name, is_bare=is_bare
        ):
            self._add_stray(RecoveryReason.REPEATED_RECIPIENT, begin, end)
            return
        if old is not None:
            self._add_stray(RecoveryReason.REPEATED_RECIPIENT, old_begin, old_end)
        if self._content_type is not None:
            self._note(RecoveryReason.MISPLACED_CONTENT_TYPE)
        self._recipient, self._recipient_range = name, (begin, end)
        self._is_bare_recipient = is_bare
        if self._is_call and self._tool_word:
            # It calls something, so it is not a tool.
            self._begin_text(end)

    def _rank(self, name: str, *, is_bare: bool) -> tuple[bool, bool, bool]:
        return name not in READERS, name in self._words.callable_names, not is_bare

    def _read_role(self, begin: int, end: int) -> int | None:
        pattern = self._words.role
        preset = self._context.preset_role
        if self._expects_role and preset is None:
            pattern = self._words.role_in_any_case
        match = pattern.match(self._text, begin, end)
        if match is None:
            return None
        word = match.group().lower()
        if not self._expects_role and (self._role is not None or preset is not None):
            self._undecided.append(_Undecided(_Kind.ROLE, begin, match.end()))
            return match.end()
        read_end = match.end()
        may_be_role = preset is None or word == preset.value
        if self._role is None and self._tool_word is None and may_be_role:
            self._decide()
            self._role = ROLES[word]
            if self._role is Role.TOOL and preset is None:
                self._name = word
            read_end = self._read_author_name(match.end(), end)
            if match.group() != word or not self._expects_role or read_end > match.end():
                self._note(RecoveryReason.MALFORMED_ROLE)
        elif self._role is None:
            # The preset role is another one, or the first word may be a tool's name.
            self._undecided.append(_Undecided(_Kind.ROLE, begin, match.end()))
            return match.end()
        else:
            self._add_stray(RecoveryReason.MALFORMED_ROLE, begin, match.end())
        self._fields_end = read_end
        if read_end < end and self._text[read_end] not in _SEPARATORS:
            self._note(RecoveryReason.MALFORMED_ROLE)
        return read_end

    def _read_author_name(self, begin: int, end: int) -> int:
        """Reads `:NAME` behind a role."""
        match = _AUTHOR_NAME.match(self._text, begin, end)
        if match is None:
            return begin
        name = match[1]
        is_field = (
            RECIPIENT.match(self._text, match.start(1))
            or self._words.channel.match(name)
            or self._words.role.match(name)
        )
        if is_field:
            return begin
        self._name = name
        return match.end()

    def _read_channel(self, begin: int, word_begin: int, end: int) -> int | None:
        text = self._text
        is_marked = self._expects_channel
        pattern = self._words.channel_in_any_case if is_marked else self._words.channel
        match = pattern.match(text, begin)
        if match is None or match.end() > end:
            return self._read_channel_before_text(begin, word_begin, end)
        name = self._words.channel_of(match.group())
        is_glued_to_role = begin > word_begin and self._role is not None
        if not is_marked and self._channel is not None:
            self._undecided.append(_Undecided(_Kind.CHANNEL_WORD, begin, match.end()))
            return match.end()
        self._decide(is_channel_next=True)
        is_exact = match.group() == name and match.end() == end
        if not (is_marked and is_exact and begin == self._channel_marker_end) and not (
            is_glued_to_role and not is_marked
        ):
            self._note(RecoveryReason.MALFORMED_CHANNEL)
        self._set_channel(name, begin, match.end())
        return match.end()

    def _read_channel_before_text(self, begin: int, word_begin: int, end: int) -> int | None:
        """Reads a channel to which text may be glued, as in `analysisWe need`."""
        may_be = self._expects_channel or (self._expects_role and self._channel is None)
        if begin != word_begin or not may_be:
            return None
        match = self._words.channel_before_text.match(self._text, begin, end)
        if match is None:
            return None
        if self._expects_channel and CHANNEL_NAME.fullmatch(self._text, begin, end):
            self._expects_channel = False
            self._undecided.append(_Undecided(_Kind.CHANNEL, begin, end, match.end()))
            return end
        self._set_channel(match.group(), begin, match.end())
        self._note(RecoveryReason.MALFORMED_CHANNEL)
        self._add_unknown(match.end(), end)
        return end

    def _set_channel(self, name: str, begin: int, end: int) -> None:
        if self._channel is not None:
            self._add_stray(RecoveryReason.REPEATED_CHANNEL, *self._channel_range)
        self._channel, self._channel_range = name, (begin, end)
        self._expects_channel = self._expects_role = False
        self._fields_end = max(self._fields_end, end)

    def _read_glued_type(self, begin: int, word_begin: int, end: int) -> int | None:
        if begin == word_begin or self._undecided or self._content_type is not None:
            return None
        match = self._words.glued_type.match(self._text, begin, end)
        if match is None:
            return None
        self._undecided.append(_Undecided(_Kind.CONTENT_TYPE, begin, match.end()))
        return match.end()

    def _read_name(self, begin: int, end: int) -> int | None:
        match = FIELD_CHARACTERS.match(self._text, begin, end)
        name = match.group().rstrip(_SEPARATORS) if match else ""
        if not name or not self._words.is_name(name):
            return None
        name_end = begin + len(name)
        if name_end < end and self._text[name_end] not in _SEPARATORS + "{[\"'`)":
            return None
        if self._is_first_behind_start():
            if self._context.is_called or self._words.is_function(name):
                self._role, self._name, self._expects_role = Role.TOOL, name, False
                self._fields_end = name_end
            else:
                self._tool_word = (begin, name_end)
                self._expects_role = False
            return name_end
        if self._role is Role.TOOL and self._name == Role.TOOL.value and not self._undecided:
            self._name, self._fields_end = name, name_end
            return name_end
        if self._recipient is not None:
            return None
        has_field = self._channel or self._role or self._expects_channel
        if has_field and self._words.is_function(name) and not self._context.is_loose:
            self._decide()
            self._miss_channel()
            self._set_recipient(name, begin, name_end, is_bare=True)
        else:
            self._undecided.append(_Undecided(_Kind.NAME, begin, name_end))
        self._expects_role = False
        return name_end

    def _is_first_behind_start(self) -> bool:
        is_unknown = self._role is None and self._context.preset_role is None
        return is_unknown and self._expects_role and not self._undecided and not self._tool_word

    def _read_unknown(self, begin: int, end: int, *, is_first_part: bool) -> None:
        text = self._text
        is_type = is_first_part and CONTENT_TYPE.fullmatch(text, begin, end)
        if is_type and self._is_first_behind_start():
            if self._context.is_called:
                self._role, self._name, self._fields_end = Role.TOOL, text[begin:end], end
            else:
                self._tool_word = (begin, end)
            self._expects_role = False
            return
        self._expects_role = False
        if is_first_part and self._expects_channel and CHANNEL_NAME.fullmatch(text, begin, end):
            self._expects_channel = False
            self._undecided.append(_Undecided(_Kind.CHANNEL, begin, end))
        elif text[begin:end].lower() == "to" and is_first_part:
            is_last = self._skip_space(end) == len(text)
            self._is_cut_off = is_last and self._end is OPEN_END
            self._undecided.append(_Undecided(_Kind.STRAY, begin, end))
        elif is_type and self._may_have_type(text[begin:end]):
            self._undecided.append(_Undecided(_Kind.CONTENT_TYPE, begin, end))
        else:
            self._add_unknown(begin, end)

    def _may_have_type(self, word: str) -> bool:
        kinds = {it.kind for it in self._undecided}
        if kinds == {_Kind.NAME}:
            # `web.search code` is a call; `README.md says` is text.
            return word in GLUED_TYPES and self._content_type is None
        is_behind_field = self._channel or self._recipient or _Kind.CHANNEL in kinds
        is_sure = self._recipient is not None or not self._context.is_loose
        has_stray = bool(self._strays) and self._strays[-1].begin >= self._fields_end
        is_taken = has_stray or bool(kinds & {_Kind.CONTENT_TYPE, _Kind.NAME})
        is_free = self._content_type is None and not is_taken
        return bool(is_behind_field) and is_sure and is_free

    def _add_unknown(self, begin: int, end: int) -> None:
        """Adds a word that is certainly no field."""
        if self._is_call and self._text[begin] not in "{[":
            unexpected = RecoveryReason.UNEXPECTED_HEADER_TEXT
            self._strays += [_Stray(unexpected, it.begin, it.end) for it in self._undecided]
            self._undecided.clear()
            self._add_stray(unexpected, begin, end)
        else:
            self._begin_text_or_arguments(begin)

    def _begin_text_or_arguments(self, begin: int) -> None:
        if self._is_call:
            self._decide()
            self._text_begin = begin
        else:
            self._begin_text(begin)

    def _begin_text(self, begin: int) -> None:
        """Ends the header where its undecided words begin, or here."""
        first = self._undecided[0] if self._undecided else None
        if self._tool_word and self._recipient in READERS:
            self._role, self._name = Role.TOOL, self._text[slice(*self._tool_word)]
        if self._tool_word and self._recipient not in READERS:
            self._begin_text_at_tool_word(self._tool_word[0])
        elif first and first.cut:
            self._set_channel(self._text[first.begin : first.cut], first.begin, first.cut)
            self._text_begin = first.cut
        elif first:
            self._text_begin = first.begin
            if first.kind is _Kind.CHANNEL:
                self._note(RecoveryReason.MALFORMED_CHANNEL)
        else:
            self._miss_channel()
            self._text_begin = begin
        self._undecided.clear()

    def _begin_text_at_tool_word(self, begin: int) -> None:
        """Ends the header at its first word; the fields behind it are read again."""
        self._text_begin = begin
        self._channel = self._recipient = self._content_type = None
        self._strays.clear()
        self._reasons.clear()

    # Decisions

    def _decide(self, *, is_channel_next: bool = False) -> None:
        """Reads the undecided words as fields, as a field or `<|message|>` follows them."""
        if not self._undecided:
            return
        undecided, self._undecided = self._undecided, []
        for kind, begin, end, _ in undecided:
            word = self._text[begin:end]
            match kind:
                case _Kind.CHANNEL if self._channel is None and not is_channel_next:
                    self._set_channel(word, begin, end)
                    self._note(RecoveryReason.MALFORMED_CHANNEL)
                case _Kind.CHANNEL:
                    self._add_stray(RecoveryReason.REPEATED_CHANNEL, begin, end)
                case _Kind.CHANNEL_WORD:
                    self._set_channel(word, begin, end)
                case _Kind.CONTENT_TYPE if self._content_type is None:
                    self._content_type, self._type_range = word, (begin, end)
                case _Kind.NAME:
                    self._set_recipient(word, begin, end, is_bare=True)
                case _Kind.ROLE if self._may_have_role():
                    self._role = ROLES[word]
                    self._note(RecoveryReason.MALFORMED_ROLE)
                case _Kind.ROLE:
                    self._add_stray(RecoveryReason.MALFORMED_ROLE, begin, end)
                case _:
                    self._add_stray(RecoveryReason.UNEXPECTED_HEADER_TEXT, begin, end)

    def _may_have_role(self) -> bool:
        is_unknown = self._role is None and self._context.preset_role is None
        return is_unknown and self._tool_word is None

    def _settle(self) -> None:
        """Decides what is left at the end of the header."""
        if self._end is OPEN_END:
            return
        if self._end is MESSAGE_END:
            self._decide()
        elif self._is_call:
            self._begin_arguments()
        elif any(it.kind is not _Kind.CHANNEL_WORD for it in self._undecided):
            self._begin_text(len(self._text))
        else:
            self._decide()
        self._miss_channel()
        if self._tool_word and self._text_begin is None:
            begin, end = self._tool_word
            word = self._text[begin:end]
            is_result = self._recipient in READERS
            if is_result or (self._end is MESSAGE_END and self._words.is_name(word)):
                self._role, self._name = Role.TOOL, word
            else:
                self._begin_text_at_tool_word(begin)
        is_marked = (self._content_type or "").startswith(CONSTRAIN_SPELLING)
        if self._end is MESSAGE_END and self._recipient is None and is_marked:
            self._note(RecoveryReason.MISPLACED_CONTENT_TYPE)

    def _begin_arguments(self) -> None:
        """Ends a call's header without `<|message|>`: the words behind its fields are text."""
        begins = [it.begin for it in self._undecided]
        begins += [it.begin for it in self._strays if it.begin >= self._fields_end]
        if not begins:
            return
        begin = min(begins)
        self._undecided.clear()
        self._strays = [it for it in self._strays if it.begin < begin]
        word = _WORD.match(self._text, begin)
        if word and word.group() in GLUED_TYPES and self._content_type is None:
            rest = self._skip_space(word.end())
            if rest < len(self._text):
                self._content_type, begin = word.group(), rest
        self._text_begin = begin

    # Result

    def _result(self) -> RepairedHeader:
        preset = self._context.preset_role
        role = self._role or preset
        if role is None:
            role = self._context.default_role
            self._note(RecoveryReason.MALFORMED_ROLE)
        is_bare = not (self._channel or self._recipient or self._content_type)
        if self._text_begin is not None and not self._text[: self._text_begin].strip():
            self._text_begin = 0
        word = self._tool_word or (0, 0)
        return RepairedHeader(
            Header(
                role,
                self._name,
                self._recipient,
                self._channel or self._context.channel,
                self._content_type,
            ),
            self._text_begin,
            self._repairs(),
            is_bare=is_bare and self._text_begin is None,
            is_call=self._is_call,
            unknown_word=self._text[slice(*word)] or None,
            has_too_many_words=self._too_many_words,
        )

    def _repairs(self) -> list[tuple[RecoveryReason, str]]:
        """Returns each reason with the stray words that it recovered, their white space kept."""
        texts = dict.fromkeys(self._reasons, "")
        end = 0
        for stray in sorted(self._strays, key=lambda stray: stray.begin):
            piece = self._text[stray.begin : stray.end]
            if texts.get(stray.reason):
                between = self._text[end : stray.begin]
                piece = between[len(between.rstrip()) :] + piece
            texts[stray.reason] = texts.get(stray.reason, "") + piece
            end = stray.end
        return list(texts.items())

    def _note(self, reason: RecoveryReason) -> None:
        self._reasons[reason] = None

    def _add_stray(self, reason: RecoveryReason, begin: int, end: int) -> None:
        self._strays.append(_Stray(reason, begin, end))
