"""The parser of recover mode: it accepts every token sequence and loses no text."""

import codecs
import functools
import operator
from collections.abc import Sequence

from .bounds import (
    FIRST_STRAY_WORD_CHECK_TOKENS,
    MAX_HELD_TOKENS,
    MAX_REMEMBERED_HEADER_TOKENS,
    MAX_REMEMBERED_HEADERS,
    MAX_STRAY_WORDS,
)
from .chat import Role
from .errors import HarmonyError
from .events import (
    Event,
    Recovered,
    RecoveryReason,
    TokenRange,
)
from .header import CHANNEL_SPELLING, ROLES
from .parse_options import ParseOptions
from .parser import (
    NO_PLAIN_TEXTS,
    MessageParser,
    StreamState,
)
from .repaired_header import (
    RepairedHeader,
    could_be_role,
    read_complete_header,
    read_unfinished_header,
)
from .structure import STOP_TOKENS
from .tokenizer import CHANNEL, MAX_UINT32, MESSAGE, START, VOCABULARY_SIZE, Tokenizer, is_token

# Adjacent repairs for one of these reasons are reported as one.
_MERGED = frozenset(
    {
        RecoveryReason.EXTRA_STOP,
        RecoveryReason.EXTRA_MESSAGE,
        RecoveryReason.INVALID_TOKEN,
    }
)


class RecoveringParser(MessageParser):
    """Reads any token sequence, repairs malformed output and reports each repair."""

    __slots__ = (
        "_default_role",
        "_header_repairs",
        "_held",
        "_is_surely_text",
        "_next_check",
        "_outside",
        "_outside_begin",
        "_outside_end",
    )

    breaks = STOP_TOKENS | {START, CHANNEL, MESSAGE}

    def __init__(self, tokenizer: Tokenizer, role: Role | None, options: ParseOptions) -> None:
        super().__init__(tokenizer, role, options)
        # For headers without a role.
        self._default_role = role or Role.ASSISTANT
        # Tokens outside a message that may still turn out to be the role of a header.
        self._held: list[int] = []
        # Whether the text up to the next break cannot be a role any more.
        self._is_surely_text = False
        # Text outside a message that is not reported yet, and the range of its tokens.
        self._outside: list[str] = []
        self._outside_begin = 0
        self._outside_end = 0
        # Repairs of an unfinished header: reported once their message is known.
        self._header_repairs: list[tuple[RecoveryReason, TokenRange]] = []
        self._next_check = FIRST_STRAY_WORD_CHECK_TOKENS

    def _read_all(self, tokens: Sequence[int], events: list[Event]) -> None:
        try:
            super()._read_all(tokens, events)
        except OverflowError:
            in_range = [
                token if 0 <= token <= MAX_UINT32 else VOCABULARY_SIZE
                for token in map(operator.index, tokens)
            ]
            super()._read_all(in_range, events)

    def _report_texts(self, events: list[Event]) -> None:
        super()._report_texts(events)
        self._report_outside(events)

    def feed_one(self, token: int, events: list[Event]) -> None:
        """Reads one token id of at most 32 bits, at a lower cost than `feed`; never fails."""
        super().feed_one(token, events)
        self._report_outside(events)

    def finish(self, events: list[Event]) -> None:
        """Reads the end of the stream, which ends an unfinished message or header; never fails."""
        if self.state is StreamState.CONTENT:
            self._complete(None, events)
        elif self.state is StreamState.HEADER:
            # Only a preset role: an empty sequence.
            if self.header_tokens or self.offset:
                self._end_header(RecoveryReason.TRUNCATED_HEADER, None, events)
        else:
            self._release_held(events)

    def _read(self, token: int, events: list[Event]) -> None:
        if token not in self.breaks:
            self._read_plain([token], events)
        elif self.state is StreamState.CONTENT:
            self._break_content(token, events)
        elif self.state is StreamState.HEADER:
            self._break_header(token, events)
        else:
            self._break_outside(token, events)

    def _break_content(self, token: int, events: list[Event]) -> None:
        if token in STOP_TOKENS:
            self._complete(token, events)
            self.offset += 1
        elif token == MESSAGE:
            self._report(RecoveryReason.EXTRA_MESSAGE, self._here(1), events)
            self.offset += 1
        else:
            self._report(RecoveryReason.MISSING_STOP, self._here(0), events)
            self._complete(None, events)
            self._break_outside(token, events)

    def _break_outside(self, token: int, events: list[Event]) -> None:
        if token in STOP_TOKENS:
            self._release_held(events)
            self._skip_stop(events)
        elif token == START:
            self._release_held(events)
            self.offset += 1
            self._open_header()
        else:
            self._open_header_without_start(events)
            self._read(token, events)

    def _break_header(self, token: int, events: list[Event]) -> None:
        if token == MESSAGE:
            self._finish_header(events)
        elif token == CHANNEL and len(self.header_tokens) < self._max_header_tokens:
            self._add_to_header([token], events)
        elif token == CHANNEL:
            self._release_header(RecoveryReason.HEADER_TOO_LONG, events)
            self._break_content(token, events)
        elif self.header_tokens:
            stop_token = None if token == START else token
            self._end_header(RecoveryReason.MISSING_MESSAGE, stop_token, events)
            self.offset += 1
            if token == START:
                self._open_header()
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
        self._open_header()
        self._header_repairs = [*repairs, (RecoveryReason.EXTRA_START, offsets)]

    def _skip_stop(self, events: list[Event]) -> None:
        self._append(Recovered(RecoveryReason.EXTRA_STOP, "", self._here(1)), events)
        self.offset += 1

    # Outside a message

    def _read_outside(self, tokens: Sequence[int], events: list[Event]) -> None:
        if not self._is_surely_text and len(self._held) + len(tokens) <= MAX_HELD_TOKENS:
            held = [*self._held, *tokens]
            if could_be_role(self._text_of(held)):
                self._held = held
                self.offset += len(tokens)
                return
        self._add_outside([*self._take_held(), *tokens], events)
        self._is_surely_text = True

    def _take_held(self) -> list[int]:
        held, self._held = self._held, []
        self.offset -= len(held)
        return held

    def _release_held(self, events: list[Event]) -> None:
        """Reports held tokens and an incomplete character as text outside a message."""
        self._add_outside(self._take_held(), events)
        rest = self._pending.decode(errors="replace")
        self._pending = b""
        self._is_surely_text = False
        if rest:
            self._outside.append(rest)
            self._outside_end = self.offset
        self._report_outside(events)

    def _add_outside(self, tokens: Sequence[int], events: list[Event]) -> None:
        begin = 0
        for index, token in enumerate(tokens):
            if not is_token(token):
                self._add_outside_run(tokens[begin:index], events)
                # Keeps the events in order: first the text before the id, then the id.
                self._report_outside(events)
                self._add_outside_run([token], events)
                begin = index + 1
        self._add_outside_run(tokens[begin:], events)

    def _add_outside_run(self, tokens: Sequence[int], events: list[Event]) -> None:
        if not self._outside and not self._pending:
            self._outside_begin = self.offset
        text = self._decode(tokens, events)
        # Only content has plain texts.
        self.plain_texts = NO_PLAIN_TEXTS
        self.offset += len(tokens)
        if text:
            self._outside.append(text)
            self._outside_end = self.offset - self._count_pending(tokens)

    def _count_pending(self, tokens: Sequence[int]) -> int:
        """Returns how many tokens at the end belong entirely to the incomplete character."""
        size = 0
        for count, token in enumerate(reversed(tokens)):
            size += len(self._tokenizer.decode_replacing([token]))
            if size > len(self._pending):
                return count
        return len(tokens)

    def _report_outside(self, events: list[Event]) -> None:
        if self._outside:
            offsets = TokenRange(self._outside_begin, self._outside_end)
            text = "".join(self._outside)
            self._outside = []
            events.append(Recovered(RecoveryReason.TEXT_OUTSIDE_MESSAGE, text, offsets))
            self._outside_begin = offsets.end

    def _open_header_without_start(self, events: list[Event]) -> None:
        words = self._text_of(self._held).split(maxsplit=1)
        if words and words[0] in ROLES:
            held = self._take_held()
            self._open_header()
        else:
            held = []
            self._release_held(events)
            self._open_header()
            self.preset_role = self._default_role
        offsets = TokenRange(self._header_begin, self._header_begin)
        self._header_repairs = [(RecoveryReason.MISSING_START, offsets)]
        self._add_to_header(held, events)

    # Headers

    def _open_header(self) -> None:
        super()._open_header()
        self.preset_role = None
        self._is_surely_text = False
        self._next_check = FIRST_STRAY_WORD_CHECK_TOKENS
        self._header_repairs = []

    def _add_to_header(self, tokens: Sequence[int], events: list[Event]) -> None:
        limit = self._max_header_tokens
        position = 0
        while position < len(tokens) and self.state is StreamState.HEADER:
            # Check at fixed lengths, so that results do not depend on how the tokens arrive.
            room = min(self._next_check, limit) - len(self.header_tokens)
            taken = tokens[position : position + room]
            self.header_tokens += taken
            self.offset += len(taken)
            position += len(taken)
            if len(self.header_tokens) >= limit and position < len(tokens):
                self._release_header(RecoveryReason.HEADER_TOO_LONG, events)
            elif len(self.header_tokens) == self._next_check:
                self._next_check *= 2
                if self._read_unfinished(self._header_text()[0]).stray_words > MAX_STRAY_WORDS:
                    self._release_header(RecoveryReason.MISSING_MESSAGE, events)
        if position < len(tokens):
            self._add_content(tokens[position:], events)

    def _finish_header(self, events: list[Event]) -> None:
        tokens = tuple(self.header_tokens)
        read = _remember_header if len(tokens) <= MAX_REMEMBERED_HEADER_TOKENS else _read_header
        text, repaired = read(self._tokenizer, self.preset_role, self._default_role, tokens)
        if repaired.repairs or self._header_repairs or "\ufffd" in text:
            self._note_invalid(text)
            self._report_header_repairs(repaired, text, events)
        self.header = repaired.header
        self.preset_role = None
        self._header_end = self.offset
        self.offset += 1
        self._begin_content(events)

    def _release_header(self, reason: RecoveryReason, events: list[Event]) -> None:
        """Ends a header early: the rest of its text, and the tokens that follow, are content."""
        text, rest = self._header_text()
        self._note_header_repair(reason)
        repaired = self._read_unfinished(text)
        self._report_header_repairs(repaired, text, events)
        self._begin_unfinished(repaired.header, repaired.text, events)
        self.preset_role = None
        self._set_pending(rest)

    def _end_header(
        self, reason: RecoveryReason, stop_token: int | None, events: list[Event]
    ) -> None:
        """Ends a header at a stop token, at `<|start|>` or at the end of the stream."""
        text = self._text_of(self.header_tokens)
        self._note_invalid(text)
        repaired = self._read_unfinished(text)
        if repaired.is_bare:
            offsets = TokenRange(self._header_begin, self.offset)
            self._abandon_header(text, events)
            stray = text.replace(CHANNEL_SPELLING, "")
            self._append(Recovered(reason, stray, offsets, text), events)
        else:
            self._note_header_repair(reason)
            self._report_header_repairs(repaired, text, events)
            self._begin_unfinished(repaired.header, repaired.text, events)
            self.preset_role = None
            self._complete(stop_token, events)

    def _abandon_header(self, text: str, events: list[Event]) -> None:
        """Drops a header that begins no message, and reports its repairs."""
        for reason, offsets in self._header_repairs:
            self._append(Recovered(reason, "", offsets, text), events)
        self._header_repairs = []
        self.preset_role = None
        self._expect_start()

    def _read_unfinished(self, text: str) -> RepairedHeader:
        return read_unfinished_header(text, self.preset_role, self._default_role)

    def _header_text(self) -> tuple[str, bytes]:
        """Returns the text of the header and the bytes of an incomplete character after it."""
        data = self._tokenizer.decode_replacing(self.header_tokens)
        text, consumed = codecs.utf_8_decode(data, "replace", False)
        return text, data[consumed:]

    def _note_invalid(self, text: str) -> None:
        """Notes the repairs that put U+FFFD into the text of the header."""
        if "\ufffd" not in text:
            return
        known = [token for token in self.header_tokens if is_token(token)]
        if len(known) < len(self.header_tokens):
            self._note_header_repair(RecoveryReason.INVALID_TOKEN)
        try:
            self._tokenizer.decode_utf8(known)
        except HarmonyError:
            self._note_header_repair(RecoveryReason.INVALID_UTF8)

    def _note_header_repair(self, reason: RecoveryReason) -> None:
        offsets = TokenRange(self._header_begin, self.offset)
        self._header_repairs.append((reason, offsets))

    # Reports

    def _report_header_repairs(
        self, repaired: RepairedHeader, raw_header: str, events: list[Event]
    ) -> None:
        """Reports each reason once: each event carries the header, and repairs may be many."""
        offsets = TokenRange(self._header_begin, self.offset)
        ranges = dict(self._header_repairs)
        texts: dict[RecoveryReason, list[str]] = {reason: [] for reason in ranges}
        for reason, text in repaired.repairs:
            texts.setdefault(reason, []).append(text)
        for reason, stray in texts.items():
            self._mark(reason)
            text = " ".join(filter(None, stray))
            concerned = ranges.get(reason, offsets)
            self._append(
                Recovered(reason, text, concerned, raw_header, self._message_index), events
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
        last = events[-1] if events else None
        if (
            isinstance(last, Recovered)
            and event.reason in _MERGED
            and last.reason is event.reason
            and last.message_index == event.message_index
            and last.offsets.end == event.offsets.begin
        ):
            last.offsets = TokenRange(last.offsets.begin, event.offsets.end)
        else:
            events.append(event)

    def _bytes_of(self, tokens: Sequence[int], events: list[Event]) -> bytes:
        try:
            return self._tokenizer.decode_bytes(tokens)
        except HarmonyError:
            tokens = list(map(operator.index, tokens))
            self._report_invalid_tokens(tokens, events)
            return self._tokenizer.decode_replacing(tokens)

    def _report_invalid_tokens(self, tokens: Sequence[int], events: list[Event]) -> None:
        in_message = self.state is StreamState.CONTENT
        if in_message:
            self._mark(RecoveryReason.INVALID_TOKEN)
        index = self._message_index if in_message else None
        for offset, token in enumerate(tokens, start=self.offset):
            if not is_token(token):
                offsets = TokenRange(offset, offset + 1)
                repair = Recovered(RecoveryReason.INVALID_TOKEN, "", offsets, "", index)
                self._append(repair, events)

    def _text_of(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode_replacing(tokens).decode(errors="replace")

    def _here(self, count: int) -> TokenRange:
        return TokenRange(self.offset, self.offset + count)


def _read_header(
    tokenizer: Tokenizer, preset_role: Role | None, default_role: Role, tokens: tuple[int, ...]
) -> tuple[str, RepairedHeader]:
    text = tokenizer.decode_replacing(tokens).decode(errors="replace")
    return text, read_complete_header(text, preset_role, default_role)


_remember_header = functools.lru_cache(MAX_REMEMBERED_HEADERS)(_read_header)
