"""The parser of recover mode: it accepts every token sequence and loses no text."""

import codecs
import functools
import operator
import sys
from collections.abc import Sequence
from typing import NamedTuple

from .bounds import (
    HEADER_GROWTH,
    MAX_HEADER_CHARACTERS,
    MAX_HELD_CALL_TOKENS,
    MAX_HELD_TOKENS,
    MAX_REMEMBERED_HEADER_TOKENS,
    MAX_REMEMBERED_HEADERS,
    MAX_REMEMBERED_RECIPIENTS,
    SEARCHED_HEADER_TOKENS,
)
from .chat import Role
from .errors import HarmonyError
from .events import Event, Header, Recovered, RecoveryReason, TokenRange
from .header import CHANNEL_SPELLING
from .header_beginnings import BEGINNINGS, Beginning, known_headers
from .header_words import READERS
from .parse_options import ParseOptions
from .parser import (
    EXPECT_START,
    IN_CONTENT,
    IN_HEADER,
    NO_PLAIN_TEXTS,
    MessageParser,
    without_prefill,
)
from .repaired_header import (
    MESSAGE_END,
    OPEN_END,
    HeaderContext,
    HeaderEnd,
    RepairedHeader,
    header_context,
    read_header,
)
from .structure import STOP_TOKENS, STRUCTURAL_TOKENS
from .tokenizer import (
    CALL,
    CHANNEL,
    CONSTRAIN,
    MESSAGE,
    SPECIAL_TOKENS,
    START,
    VOCABULARY_SIZE,
    Tokenizer,
    is_token,
)

# Adjacent repairs for one of these reasons are reported as one.
_MERGED = frozenset(
    {
        RecoveryReason.EXTRA_STOP,
        RecoveryReason.EXTRA_MESSAGE,
        RecoveryReason.INVALID_TOKEN,
        RecoveryReason.MISPLACED_CONTENT_TYPE,
    }
)
_END_OF_TEXT = SPECIAL_TOKENS["<|endoftext|>"]
# Special tokens that the format does not use.
_FOREIGN_TOKENS = frozenset(SPECIAL_TOKENS.values()) - STRUCTURAL_TOKENS
# The spellings of special tokens begin with these two bytes. One byte is found far faster.
_BEGINS_SPECIAL_TOKEN = b"<|"
_RARE_IN_TEXT = b"|"


class _ReadHeader(NamedTuple):
    """The text of a header, what it says, and whether it needs no repairs."""

    text: str
    repaired: RepairedHeader
    is_clean: bool


class RecoveringParser(MessageParser):
    """Reads any token sequence, repairs malformed output and reports each repair.

    A header is read again with each token until it is certain that text has begun. That text
    becomes content, and in it, as in text outside a message, another header may begin: words that
    may be its first fields are held back. Headers, and so repairs, depend on the tokens alone,
    never on how they are cut into requests.
    """

    __slots__ = (
        "_beginning",
        "_called",
        "_default_role",
        "_has_role_to_find",
        "_header_repairs",
        "_held",
        "_held_begin",
        "_held_text",
        "_holds_call",
        "_inherited_channel",
        "_is_loose",
        "_last_channel_word",
        "_later_beginnings",
        "_next_search",
        "_outside",
        "_outside_begin",
        "_outside_end",
        "_searched",
        "_was_held",
        "_words",
    )

    breaks = STOP_TOKENS | {START, CHANNEL, MESSAGE, CONSTRAIN} | _FOREIGN_TOKENS
    takes_any_id = True

    def __init__(self, tokenizer: Tokenizer, role: Role | None, options: ParseOptions) -> None:
        known = known_headers(options.callable_names, options.channels, role)
        self._words = known.words
        # The part of the header that has been searched, if such beginnings are remembered.
        self._beginning: Beginning | None = None
        # Of headers behind `<|start|>`.
        self._later_beginnings: Beginning | None = None
        if options.max_header_tokens >= SEARCHED_HEADER_TOKENS:
            self._beginning = None if role is None else known.first
            self._later_beginnings = known.later
        self._default_role = known.default_role
        self._called: set[str] = set()
        # Tokens of a text that may still turn out to be a header, where they begin, and whether
        # they have the recipient of a call.
        self._held: list[int] = []
        self._held_begin = 0
        self._held_text = ""
        self._holds_call = False
        # Whether content is text of a header that has no `<|message|>` yet.
        self._is_loose = False
        # Whether the text may name the role of the next header; the last channel it named, if the
        # header before it has `<|channel|>` without a channel.
        self._has_role_to_find = True
        self._last_channel_word: str | None = None
        # Text outside a message that is not reported yet, and the range of its tokens.
        self._outside: list[str] = []
        self._outside_begin = 0
        self._outside_end = 0
        # Repairs of an unfinished header: reported once their message is known.
        self._header_repairs: list[tuple[RecoveryReason, TokenRange]] = []
        # How many tokens of the header have been searched for text, and when to search again.
        self._searched = 0
        self._next_search = 1
        self._inherited_channel: str | None = None
        # Whether the header began with held tokens.
        self._was_held = False
        super().__init__(tokenizer, role, options)

    def _report_texts(self, events: list[Event]) -> None:
        if self._searched < len(self.header_tokens):
            self._search_header(events)
        if self._delta:
            self._report_delta(events)
        if self._outside:
            self._report_outside(events)

    def feed_one(self, token: int, events: list[Event]) -> None:
        """Reads one token id of at most 32 bits, at a lower cost than `feed`; never fails."""
        if self._must_prepare:
            self._prepare(events)
        token = operator.index(token)
        if self._beginning is not None and (longer := self._beginning.longer.get(token)):
            # What `_read` and `_search_header` do.
            self._beginning = longer
            self.header_tokens.append(token)
            self.offset += 1
            self._searched += 1
            return
        self._read(token, events)
        if self._delta or self._outside or self._searched < len(self.header_tokens):
            self._report_texts(events)

    @property
    def held_bytes(self) -> int:
        """The memory that the unfinished message and the recipients of calls take, in bytes."""
        return super().held_bytes + sum(map(sys.getsizeof, self._called))

    def adds_text(self, token: int) -> bool:
        """Returns whether a token does nothing but add its bytes to the content."""
        return not self._is_loose and super().adds_text(token)

    def finish(self, events: list[Event]) -> None:
        """Reads the end of the stream, which ends an unfinished message or header; never fails."""
        if self._must_prepare:
            self._prepare(events)
        if self._searched < len(self.header_tokens):
            self._search_header(events)
        # Only a preset role: an empty sequence.
        is_empty = self.offset == self._first_offset
        while self.state is IN_HEADER and (self.header_tokens or not is_empty):
            self._begin_unfinished_header(RecoveryReason.TRUNCATED_HEADER, events)
        if self._held:
            self._release_held(events)
        if self.state is IN_CONTENT:
            self._complete(None, events)
        elif self._outside or self._pending:
            self._flush_outside(events)

    # Tokens

    def _read(self, token: int, events: list[Event]) -> None:
        if token not in self.breaks:
            self._read_plain([token], events)
        elif self.state is IN_CONTENT:
            if token in STOP_TOKENS and not self._held:
                self._complete(token, events)
                self.offset += 1
            else:
                self._break_content(token, events)
        elif self.state is IN_HEADER:
            if token == MESSAGE:
                self._finish_header(events)
            elif token == CHANNEL and CHANNEL not in self.header_tokens:
                self._add_to_header([token], events)
            else:
                self._break_header(token, events)
        elif token == START and not (self._held or self._outside or self._pending):
            self.offset += 1
            self._open_header_behind_start()
        else:
            self._break_outside(token, events)

    def _break_content(self, token: int, events: list[Event]) -> None:
        if token in _FOREIGN_TOKENS and (token != _END_OF_TEXT or self._holds_recipient()):
            self._skip_foreign(token, events)
        elif self._held and self._begins_header(token):
            self._open_held_header(events)
            self._read(token, events)
        elif self._held:
            self._release_held(events)
            self._read(token, events)
        elif token == _END_OF_TEXT:
            self._report(RecoveryReason.MISSING_STOP, self._here(1), events)
            self._complete(None, events)
            self.offset += 1
        elif token in (MESSAGE, CONSTRAIN) and self._is_loose:
            self._held_begin = self.offset
            self._open_held_header(events)
            self._read(token, events)
        elif token in (MESSAGE, CONSTRAIN):
            is_message = token == MESSAGE
            reason = RecoveryReason.EXTRA_MESSAGE
            self._report(
                reason if is_message else RecoveryReason.MISPLACED_CONTENT_TYPE,
                self._here(1),
                events,
            )
            self._skip()
        else:
            self._report(RecoveryReason.MISSING_STOP, self._here(0), events)
            self._complete(None, events)
            self._break_outside(token, events)

    def _break_outside(self, token: int, events: list[Event]) -> None:
        if token in _FOREIGN_TOKENS:
            self._skip_foreign(token, events)
        elif self._held and self._begins_header(token):
            self._open_held_header(events)
            self._read(token, events)
        elif self._held:
            self._release_held(events)
            self._read(token, events)
        elif token in STOP_TOKENS:
            self._flush_outside(events)
            self._skip_stop(events)
        elif token == START:
            self._flush_outside(events)
            self.offset += 1
            self._open_header_behind_start()
        else:
            self._held_begin = self.offset
            self._open_held_header(events)
            self._read(token, events)

    def _break_header(self, token: int, events: list[Event]) -> None:
        if token == CONSTRAIN or token in _FOREIGN_TOKENS:
            self._add_to_header([token], events)
            return
        self._search_header(events)
        if self.state is not IN_HEADER:
            self._read(token, events)
        elif token == CHANNEL:
            # Searched first, lest the headers of a long run begin inside each other.
            self._add_to_header([token], events)
        elif self.header_tokens:
            self._end_header(token, events)
        elif token == START:
            self._skip_start()
        else:
            self._abandon_header("", events)
            self._skip_stop(events)

    def _skip_start(self) -> None:
        repairs, offsets = self._header_repairs, self._here(1)
        if repairs and repairs[-1][0] is RecoveryReason.EXTRA_START:
            offsets = TokenRange(repairs.pop()[1].begin, offsets.end)
        self.offset += 1
        self._open_header_behind_start()
        self._header_repairs = [*repairs, (RecoveryReason.EXTRA_START, offsets)]

    def _skip_stop(self, events: list[Event]) -> None:
        self._append(Recovered(RecoveryReason.EXTRA_STOP, "", self._here(1)), events)
        self.offset += 1
        self._has_role_to_find = True

    def _skip_foreign(self, token: int, events: list[Event]) -> None:
        """Leaves out a special token that the format does not use."""
        if self._held:
            self._held.append(token)
            self.offset += 1
            return
        if self.state is not IN_CONTENT:
            self._flush_outside(events)
        self._report_invalid_token(events)
        self._skip()

    def _skip(self) -> None:
        """Leaves out the token at `offset`; the range of the next delta has it."""
        self.offset += 1
        if self.reports_offsets:
            # The next token is not a delta of itself alone.
            self.plain_texts = NO_PLAIN_TEXTS

    # Text

    def _add_content(self, tokens: Sequence[int], events: list[Event]) -> None:
        if self._is_loose:
            self._read_loose(list(map(operator.index, tokens)), events)
            return
        has_invalid = False
        try:
            data = self._tokenizer.decode_bytes(tokens)
        except HarmonyError:
            has_invalid = True
            data = self._tokenizer.decode_replacing(tokens)
        if has_invalid or (_RARE_IN_TEXT in data and _BEGINS_SPECIAL_TOKEN in data):
            # Decoding takes any integer; sets do not.
            tokens = list(map(operator.index, tokens))
            if not _FOREIGN_TOKENS.isdisjoint(tokens):
                self._add_content_around_foreign(tokens, events)
                return
        if has_invalid:
            self._report_invalid_tokens(tokens, events)
        if self._pending:
            data = self._pending + data
        text, consumed = codecs.utf_8_decode(data, "replace", False)
        self._set_pending(data[consumed:])
        self.offset += len(tokens)
        self._add_text(text)
        if text and self._pending and self.reports_offsets:
            self._leave_out_pending(tokens)

    def _add_content_around_foreign(self, tokens: Sequence[int], events: list[Event]) -> None:
        begin = 0
        for index, token in enumerate(tokens):
            if token in _FOREIGN_TOKENS:
                if begin < index:
                    self._read_plain(tokens[begin:index], events)
                self._read(token, events)
                begin = index + 1
        if begin < len(tokens):
            self._read_plain(tokens[begin:], events)

    def _bytes_of(self, tokens: Sequence[int], events: list[Event]) -> bytes:
        self._report_invalid_tokens(tokens, events)
        return super()._bytes_of(tokens, events)

    def _report_invalid_tokens(self, tokens: Sequence[int], events: list[Event]) -> None:
        offset = self.offset
        for token in tokens:
            if not is_token(token):
                self._report_invalid_token(events)
            self.offset += 1
        self.offset = offset

    def _report_invalid_token(self, events: list[Event]) -> None:
        reason, index = RecoveryReason.INVALID_TOKEN, None
        if self.state is IN_CONTENT:
            self._mark(reason)
            index = self._message_index
        self._append(Recovered(reason, "", self._here(1), "", index), events)

    def _read_outside(self, tokens: Sequence[int], events: list[Event]) -> None:
        self._read_loose(tokens, events)

    def _read_loose(self, tokens: Sequence[int], events: list[Event]) -> None:
        """Reads text in which a header may begin."""
        index = 0
        while index < len(tokens):
            if not self._held and (count := self._count_fieldless(tokens, index)):
                self._add_loose_texts(tokens[index : index + count])
                index += count
                continue
            token = tokens[index]
            index += 1
            if token in _FOREIGN_TOKENS:
                self._read(token, events)
            else:
                self._read_loose_token(token, events)
            if not self._is_loose and self.state is not EXPECT_START:
                if index < len(tokens):
                    self._read_plain(tokens[index:], events)
                return

    def _count_fieldless(self, tokens: Sequence[int], begin: int) -> int:
        """Returns how many tokens from here on are whole characters in which no field begins."""
        if self._pending or self._last_channel_word is not None:
            return 0
        may_begin = self._words.may_begin_field
        or_role = self._has_role_to_find
        for index in range(begin, len(tokens)):
            token = tokens[index]
            text = self._content_texts[token] if token < VOCABULARY_SIZE else ""
            if not text or may_begin(text, or_role=or_role):
                return index - begin
            if self.state is EXPECT_START and or_role:
                or_role = text.isspace()
        return len(tokens) - begin

    def _add_loose_texts(self, tokens: Sequence[int]) -> None:
        """Adds the tokens at `offset`, all whole characters, to the text."""
        text = "".join([self._content_texts[token] for token in tokens])
        if self.state is IN_CONTENT:
            self.offset += len(tokens)
            self._add_text(text)
            return
        if not self._outside:
            self._outside_begin = self.offset
        self.offset += len(tokens)
        self._outside_end = self.offset
        self._outside.append(text)
        if not text.isspace():
            self._has_role_to_find = False

    def _read_loose_token(self, token: int, events: list[Event]) -> None:
        if not is_token(token):
            self._release_held(events)
            self._add_loose_text(token, "", events)
            return
        if self._held:
            self._held.append(token)
            self._held_text += self._text_of([token])
            self.offset += 1
            self._search_held(events)
            return
        data = self._tokenizer.decode_replacing([token])
        # A token that goes on with a character begins no field.
        goes_on = self._pending and data[0] & 0xC0 == 0x80
        text = "" if goes_on else data.decode(errors="replace")
        if text and self._words.may_begin_field(text, or_role=self._has_role_to_find):
            self._held, self._held_text, self._held_begin = [token], text, self.offset
            self.offset += 1
        else:
            self._add_loose_text(token, text, events)

    def _add_loose_text(self, token: int, text: str, events: list[Event]) -> None:
        """Adds the token at `offset` to the text."""
        if self.state is IN_CONTENT:
            text = self._decode([token], events)
            self.plain_texts = NO_PLAIN_TEXTS
            self.offset += 1
            self._add_text(text)
            if self._last_channel_word is not None and text.strip() in self._words.channels:
                self._last_channel_word = text.strip()
            return
        if not is_token(token):
            self._flush_outside(events)
        if not self._outside and not self._pending:
            self._outside_begin = self.offset
        text = self._decode([token], events)
        # Only content has plain texts.
        self.plain_texts = NO_PLAIN_TEXTS
        self.offset += 1
        if text.strip():
            self._has_role_to_find = False
        if text:
            self._outside.append(text)
        self._outside_end = self.offset

    def _flush_outside(self, events: list[Event]) -> None:
        """Reports text outside a message, an incomplete character included."""
        rest = self._pending.decode(errors="replace")
        self._pending = b""
        if rest:
            self._outside.append(rest)
        self._report_outside(events)

    def _report_outside(self, events: list[Event]) -> None:
        # The tokens of an incomplete character are reported with the character.
        if self._outside and not self._pending:
            offsets = TokenRange(self._outside_begin, self._outside_end)
            if offsets.begin < 0:
                offsets = without_prefill(offsets)
            text = "".join(self._outside)
            self._outside = []
            events.append(Recovered(RecoveryReason.TEXT_OUTSIDE_MESSAGE, text, offsets))

    # Headers in text

    def _search_held(self, events: list[Event]) -> None:
        """Releases held tokens that are no header, or opens the header of a call."""
        if self._holds_call and len(self._held) <= MAX_HELD_CALL_TOKENS:
            if not {"{", "["}.isdisjoint(self._text_of(self._held[-1:])):
                self._search_held_call(events)
            return
        while self._held:
            if self._holds_call or len(self._held) > MAX_HELD_TOKENS:
                self._release_held(events)
                return
            repaired = self._read_held(OPEN_END)
            if repaired.text_begin is None:
                self._holds_call = repaired.is_call
                return
            if repaired.is_call:
                self._search_held_call(events)
                return
            # Of too many words, all but the last are text, lest each be read again and again.
            self._release_some(events, len(self._held) - 1 if repaired.has_too_many_words else 1)

    def _search_held_call(self, events: list[Event]) -> None:
        is_too_long = len(self._held) > self._max_header_tokens
        if not is_too_long and self._read_held(OPEN_END).text_begin is not None:
            self._open_held_header(events)
            self._search_header(events)

    def _release_some(self, events: list[Event], minimum: int) -> None:
        """Releases held tokens, and more of them up to the next one where a field may begin."""
        held, offset = self._take_held(), self.offset
        for count, token in enumerate(held):
            text = self._text_of([token])
            if count >= max(minimum, 1) and self._words.may_begin_field(
                text, or_role=self._has_role_to_find
            ):
                self._held, self._held_begin = held[count:], self.offset
                self._held_text = self._text_of(self._held)
                self.offset = offset
                return
            self._add_released(token, events)

    def _release_held(self, events: list[Event]) -> None:
        for token in self._take_held():
            self._add_released(token, events)

    def _take_held(self) -> list[int]:
        held, self._held, self._held_text = self._held, [], ""
        self._holds_call = False
        if held:
            self.offset = self._held_begin
        return held

    def _add_released(self, token: int, events: list[Event]) -> None:
        if token in _FOREIGN_TOKENS:
            self._read(token, events)
        else:
            self._add_loose_text(token, "", events)

    def _read_held(self, end: HeaderEnd) -> RepairedHeader:
        is_short = len(self._held) <= MAX_REMEMBERED_HEADER_TOKENS
        read = _remember_loose if is_short else _read_loose
        return read(self._tokenizer, self._loose_context(), end, tuple(self._held))

    def _loose_context(self) -> HeaderContext:
        role: Role | None = self._default_role
        if self.state is IN_CONTENT:
            role = self.header.role
        words = self._held_text.split(maxsplit=1) if self._has_role_to_find else ()
        if words and self._words.role.match(words[0]):
            role = None
        return header_context(self._words, role, self._default_role, is_loose=True)

    def _holds_recipient(self) -> bool:
        """Returns whether the held tokens are a header of a call so far."""
        if not self._held or len(self._held) > MAX_HELD_CALL_TOKENS:
            return False
        return self._holds_call or self._read_held(MESSAGE_END).is_call

    def _begins_header(self, token: int) -> bool:
        """Returns whether the held tokens are a header, given the token that follows them."""
        if len(self._held) > self._max_header_tokens:
            return False
        if token in (MESSAGE, CONSTRAIN):
            return self._read_held(MESSAGE_END).text_begin is None
        if token == CALL:
            return self._holds_recipient()
        if token != CHANNEL:
            return False
        repaired = self._read_held(MESSAGE_END)
        is_role = self._loose_context().preset_role is None
        has_recipient = repaired.header.recipient is not None and "=" in self._held_text
        return repaired.text_begin is None and (is_role or has_recipient or self._is_called_tool())

    def _is_called_tool(self) -> bool:
        is_all = self.state is EXPECT_START and self._has_role_to_find
        return is_all and self._held_text.strip() in self._called

    def _open_held_header(self, events: list[Event]) -> None:
        """Opens a header without `<|start|>` whose first tokens are the held ones."""
        text, context = self._held_text, self._loose_context()
        is_tool = self._is_called_tool()
        begin = self._held_begin
        held = self._take_held()
        self.offset = begin
        space = text[: len(text) - len(text.lstrip())]
        channel = None
        if self.state is IN_CONTENT:
            # What is left of a character comes before the blank.
            self._add_text(self._pending.decode(errors="replace") + space)
            self._pending = b""
            channel = self.header.channel or self._last_channel_word or None
            self._report(RecoveryReason.MISSING_STOP, self._here(0), events)
            self._complete(None, events)
        else:
            self._flush_outside(events)
        self._open_header()
        self.preset_role = None if is_tool else context.preset_role
        self._inherited_channel = channel
        self._was_held = bool(held)
        self._header_repairs = [(RecoveryReason.MISSING_START, self._here(0))]
        self.header_tokens += held
        self.offset += len(held)

    # Headers

    def _open_header_behind_start(self) -> None:
        self._open_header()
        self._beginning = self._later_beginnings

    def _open_header(self) -> None:
        super()._open_header()
        self.preset_role = None
        self._searched, self._next_search = 0, 1
        self._inherited_channel = None
        self._was_held = False
        self._header_repairs = []

    def _expect_start(self) -> None:
        super()._expect_start()
        self._beginning = None
        self._searched = 0
        self._is_loose = False
        self._has_role_to_find = True

    def _add_to_header(self, tokens: Sequence[int], events: list[Event]) -> None:
        self.header_tokens += tokens
        self.offset += len(tokens)
        # Short runs wait: most headers are complete with the next token.
        if len(self.header_tokens) - self._searched > SEARCHED_HEADER_TOKENS:
            self._search_header(events)

    def _search_header(self, events: list[Event]) -> None:
        """Searches the new tokens of the header for text, as if they came one by one."""
        if self._beginning is not None:
            self._follow_beginnings(self._beginning)
        limit = self._max_header_tokens
        while self.state is IN_HEADER and self._searched < len(self.header_tokens):
            if self._searched >= limit:
                self._release_header(limit, RecoveryReason.HEADER_TOO_LONG, events)
                continue
            available = min(len(self.header_tokens), limit)
            self._searched = min(self._next_search, available)
            if self._searched < self._next_search:
                continue
            length = self._searched
            if length >= SEARCHED_HEADER_TOKENS:
                self._next_search = int(length * HEADER_GROWTH)
            else:
                self._next_search = length + 1
            text, repaired, _ = self._read_header(length, OPEN_END)
            if repaired.text_begin is not None:
                self._release_header(length, RecoveryReason.MISSING_MESSAGE, events)
            elif len(text) > MAX_HEADER_CHARACTERS:
                self._release_header(length, RecoveryReason.HEADER_TOO_LONG, events)
            elif self._beginning is not None:
                self._remember_beginning(self._beginning, length)

    def _follow_beginnings(self, beginning: Beginning) -> None:
        """Passes over new tokens of the header that an earlier header had too."""
        searched = self._searched
        for token in self.header_tokens[searched:]:
            longer = beginning.longer.get(token)
            if longer is None:
                break
            beginning = longer
            searched += 1
        self._beginning = beginning
        self._searched, self._next_search = searched, searched + 1

    def _remember_beginning(self, beginning: Beginning, length: int) -> None:
        """Remembers that there is no text in the first tokens of the header."""
        is_remembered = length < SEARCHED_HEADER_TOKENS and all(
            read.repaired.text_begin is None for read in self._read_either_way(length, OPEN_END)
        )
        token = self.header_tokens[length - 1]
        self._beginning = BEGINNINGS.extend(beginning, token) if is_remembered else None

    def _remember_header(self, beginning: Beginning, header: Header) -> None:
        """Remembers a header that needs no repairs, and so has no text."""
        length = len(self.header_tokens)
        is_remembered = length < SEARCHED_HEADER_TOKENS and all(
            read.is_clean and read.repaired.header == header
            for read in self._read_either_way(length, MESSAGE_END)
        )
        if is_remembered:
            for token in self.header_tokens[self._searched :]:
                beginning = BEGINNINGS.extend(beginning, token)
            beginning.header = header

    def _read_header(self, length: int, end: HeaderEnd) -> _ReadHeader:
        """Reads the first tokens of the header."""
        result = self._read_header_if(length, end, is_called=False)
        if result.repaired.unknown_word in self._called:
            return self._read_header_if(length, end, is_called=True)
        return result

    def _read_either_way(self, length: int, end: HeaderEnd) -> list[_ReadHeader]:
        """Reads the first tokens of the header, whatever has been called."""
        result = self._read_header_if(length, end, is_called=False)
        if result.repaired.unknown_word is None:
            return [result]
        return [result, self._read_header_if(length, end, is_called=True)]

    def _read_header_if(self, length: int, end: HeaderEnd, *, is_called: bool) -> _ReadHeader:
        context = header_context(
            self._words,
            self.preset_role,
            self._default_role,
            channel=self._inherited_channel,
            is_called=is_called,
        )
        read = _remember_header if length <= MAX_REMEMBERED_HEADER_TOKENS else _read_header
        return read(self._tokenizer, context, end, tuple(self.header_tokens[:length]))

    def _finish_header(self, events: list[Event]) -> None:
        length = len(self.header_tokens)
        has_repairs = bool(self._header_repairs)
        if self._beginning is not None and not has_repairs:
            if self._searched < length:
                self._follow_beginnings(self._beginning)
            if self._searched == length and self._beginning.header is not None:
                self._begin_message(self._beginning.header, events)
                return
        _, repaired, is_clean = self._read_header(length, MESSAGE_END)
        if not is_clean or has_repairs or length > self._max_header_tokens:
            if self._searched < length:
                self._search_header(events)
                if self.state is not IN_HEADER or length != len(self.header_tokens):
                    self._read(MESSAGE, events)
                    return
            if repaired.text_begin is not None:
                self._release_header(length, RecoveryReason.MISSING_MESSAGE, events)
                self._read(MESSAGE, events)
                return
            self._report_header_repairs(repaired, self.header_tokens, events)
        elif self._beginning is not None:
            self._remember_header(self._beginning, repaired.header)
        self._begin_message(repaired.header, events)

    def _begin_content(self, events: list[Event]) -> None:
        recipient = self.header.recipient
        if recipient is not None and recipient not in READERS:
            self._remember_call(recipient)
        super()._begin_content(events)
        self._beginning = None
        self.header_tokens = []
        self._searched = 0

    def _remember_call(self, recipient: str) -> None:
        is_assistants = self.header.role is Role.ASSISTANT
        if is_assistants and len(self._called) < MAX_REMEMBERED_RECIPIENTS:
            self._called.add(recipient)

    def _release_header(self, length: int, reason: RecoveryReason, events: list[Event]) -> None:
        """Ends a header before `<|message|>`: the rest of its tokens are read as content."""
        text, repaired, _ = self._read_header(length, OPEN_END)
        if repaired.text_begin is None:
            text, repaired, _ = self._read_header(length, MESSAGE_END)
        if repaired.text_begin is None:
            text, repaired, _ = self._read_header(length, HeaderEnd.OTHER)
        self._begin_text(text, repaired, length, reason, events)

    def _begin_text(
        self,
        text: str,
        repaired: RepairedHeader,
        length: int,
        reason: RecoveryReason,
        events: list[Event],
    ) -> None:
        """Begins a message with the text of a header, and reads the header's other tokens."""
        tokens, was_held = self.header_tokens, self._was_held
        index, first = length, ""
        if repaired.text_begin is not None:
            index, first = self._find_token(tokens, repaired.text_begin)
        self.offset = self._header_begin + index
        self._note_header_repair(reason)
        self._report_header_repairs(repaired, tokens[:index], events, text)
        self._has_role_to_find = self.preset_role is None and text[:1] != ""
        has_empty_channel = RecoveryReason.MALFORMED_CHANNEL in dict(repaired.repairs)
        self.header = repaired.header
        self._header_end = self.offset
        self.preset_role = None
        self._begin_content(events)
        self._is_loose = not repaired.is_call
        is_unnamed = has_empty_channel and repaired.header.channel is None
        self._last_channel_word = "" if is_unnamed else None
        if self._is_loose:
            self.plain_texts = NO_PLAIN_TEXTS
        if first:
            self.offset += 1
            self._add_text(first)
            index += 1
        elif was_held and self._is_loose and tokens[index : index + 1]:
            # Held again, it would begin the same header.
            self._add_released(tokens[index], events)
            index += 1
        for token in tokens[index:]:
            self._read(token, events)

    def _find_token(self, tokens: Sequence[int], text_begin: int) -> tuple[int, str]:
        """Returns which token of a header has a character, and its text from there if not all."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        position = begin = 0
        for index, token in enumerate(tokens):
            if token in _FOREIGN_TOKENS:
                continue
            if not decoder.getstate()[0]:
                begin = index
            text = decoder.decode(self._tokenizer.decode_replacing([token]))
            if position + len(text) > text_begin:
                is_whole = begin < index or position == text_begin
                return begin, "" if is_whole else text[text_begin - position :]
            position += len(text)
        return begin, ""

    def _end_header(self, token: int, events: list[Event]) -> None:
        """Ends a header at a stop token or at `<|start|>`."""
        index = self._message_index
        is_message = self._begin_unfinished_header(RecoveryReason.MISSING_MESSAGE, events)
        if is_message and token == START and index == self._message_index:
            # One repair says it: the text of the header ends here too.
            self._release_held(events)
            self._complete(None, events)
        elif is_message:
            self._read(token, events)
            return
        self.offset += 1
        if token == START:
            self._open_header_behind_start()

    def _begin_unfinished_header(self, reason: RecoveryReason, events: list[Event]) -> bool:
        """Ends a header without `<|message|>`; returns whether it begins a message."""
        length = len(self.header_tokens)
        text, repaired, _ = self._read_header(length, HeaderEnd.OTHER)
        if not repaired.is_bare:
            self._begin_text(text, repaired, length, reason, events)
            return True
        offsets = TokenRange(self._header_begin, self.offset)
        raw_header = self._text_of(self.header_tokens)
        self._note_invalid(text, self.header_tokens)
        has_foreign = not _FOREIGN_TOKENS.isdisjoint(self.header_tokens)
        self._abandon_header(raw_header, events)
        stray = text.replace(CHANNEL_SPELLING, "")
        if stray or not has_foreign:
            self._append(Recovered(reason, stray, offsets, raw_header), events)
        return False

    def _abandon_header(self, text: str, events: list[Event]) -> None:
        """Drops a header that begins no message, and reports its repairs."""
        for reason, offsets in self._header_repairs:
            self._append(Recovered(reason, "", offsets, text), events)
        self._header_repairs = []
        self.preset_role = None
        self._expect_start()

    def _note_invalid(self, text: str, tokens: Sequence[int]) -> None:
        """Notes the tokens left out of the header, and those that put U+FFFD into its text."""
        known = [t for t in tokens if is_token(t) and t not in _FOREIGN_TOKENS]
        if len(known) < len(tokens):
            self._note_header_repair(RecoveryReason.INVALID_TOKEN)
        if "\ufffd" in text:
            try:
                self._tokenizer.decode_utf8(known)
            except HarmonyError:
                self._note_header_repair(RecoveryReason.INVALID_UTF8)

    def _note_header_repair(self, reason: RecoveryReason) -> None:
        offsets = TokenRange(self._header_begin, self.offset)
        self._header_repairs.append((reason, offsets))

    # Reports

    def _report_header_repairs(
        self,
        repaired: RepairedHeader,
        tokens: Sequence[int],
        events: list[Event],
        text: str | None = None,
    ) -> None:
        """Reports each reason once: each event carries the header, and repairs may be many."""
        raw_header = self._text_of(tokens)
        self._note_invalid(raw_header if text is None else text, tokens)
        offsets = TokenRange(self._header_begin, self.offset)
        ranges = dict(self._header_repairs)
        texts = dict.fromkeys(ranges, "")
        texts.update(repaired.repairs)
        for reason, stray in texts.items():
            self._mark(reason)
            concerned = ranges.get(reason, offsets)
            self._append(
                Recovered(reason, stray, concerned, raw_header, self._message_index), events
            )

    def _report(self, reason: RecoveryReason, offsets: TokenRange, events: list[Event]) -> None:
        """Reports a repair in the content of the current message."""
        self._mark(reason)
        self._append(Recovered(reason, "", offsets, "", self._message_index), events)

    def _mark(self, reason: RecoveryReason) -> None:
        if reason not in self._repairs:
            self._repairs.append(reason)

    def _append(self, event: Recovered, events: list[Event]) -> None:
        """Appends a repair, or extends the previous one if they are adjacent and alike."""
        self._report_outside(events)
        if event.offsets.begin < 0:
            event.offsets = without_prefill(event.offsets)
        last = events[-1] if events else None
        if (
            isinstance(last, Recovered)
            and event.reason in _MERGED
            and not event.raw_header
            and not last.raw_header
            and last.reason is event.reason
            and last.message_index == event.message_index
            and last.offsets.end == event.offsets.begin
        ):
            last.offsets = TokenRange(last.offsets.begin, event.offsets.end)
        else:
            events.append(event)

    def _text_of(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode_replacing(tokens).decode(errors="replace")

    def _here(self, count: int) -> TokenRange:
        return TokenRange(self.offset, self.offset + count)


def _read_header(
    tokenizer: Tokenizer, context: HeaderContext, end: HeaderEnd, tokens: tuple[int, ...]
) -> _ReadHeader:
    """Reads a header without the special tokens that the format does not use."""
    known = [token for token in tokens if token not in _FOREIGN_TOKENS]
    data = tokenizer.decode_replacing(known)
    if end is OPEN_END:
        # Leaves out an incomplete character.
        text = codecs.utf_8_decode(data, "replace", False)[0]
    else:
        text = data.decode(errors="replace")
    repaired = read_header(text, context, end)
    is_repaired = repaired.repairs or repaired.text_begin is not None
    is_clean = not is_repaired and "\ufffd" not in text and len(known) == len(tokens)
    return _ReadHeader(text, repaired, is_clean)


def _read_loose(
    tokenizer: Tokenizer, context: HeaderContext, end: HeaderEnd, tokens: tuple[int, ...]
) -> RepairedHeader:
    """Reads what may be a header in a text; there, an incomplete character begins no field."""
    known = [token for token in tokens if token not in _FOREIGN_TOKENS]
    text = tokenizer.decode_replacing(known).decode(errors="replace")
    return read_header(text, context, end)


_remember_header = functools.lru_cache(MAX_REMEMBERED_HEADERS)(_read_header)
_remember_loose = functools.lru_cache(MAX_REMEMBERED_HEADERS)(_read_loose)
