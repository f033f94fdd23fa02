"""Tokens to messages: the state machine behind every way to parse.

`MessageParser` turns tokens into events. The unary parse, the streaming RPCs and the
reference-compatible `StreamableParser` are all built on it.
"""

import codecs
import functools
import io
import operator
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import ClassVar

from .bounds import (
    MAX_PARSED_TOKENS_AT_ONCE,
    MAX_REMEMBERED_HEADER_TOKENS,
    MAX_REMEMBERED_HEADERS,
)
from .chat import Role
from .errors import HarmonyError, ParseError, PrefillError
from .events import (
    ContentDelta,
    Event,
    Header,
    MessageCompleted,
    MessageStarted,
    RecoveryReason,
    TokenRange,
)
from .header import parse_header, parse_unfinished_header
from .parse_options import ParseOptions
from .structure import STOP_TOKENS, structural_offsets
from .tokenizer import (
    MAX_UINT32,
    MAX_WIDTH,
    MESSAGE,
    START,
    VOCABULARY_SIZE,
    Tokenizer,
    width_of,
)

# `MessageParser.plain_texts` outside content; a full list, so that looking up needs no test.
NO_PLAIN_TEXTS: Sequence[str] = [""] * VOCABULARY_SIZE

# A place in a list, and an integer of its own.
_HEADER_TOKEN_BYTES = 36


class StreamState(Enum):
    """Which part of the output a parser expects next."""

    EXPECT_START = "ExpectStart"
    HEADER = "Header"
    CONTENT = "Content"


# The parser reads these for each token; Python 3.11 takes long to look up a member of an Enum.
EXPECT_START = StreamState.EXPECT_START
IN_HEADER = StreamState.HEADER
IN_CONTENT = StreamState.CONTENT


class MessageParser:
    """Turns the tokens of one sequence into events, as the reference does.

    `RecoveringParser` overrides the handling of tokens that do not fit.

    A prefill, the last tokens of the prompt, may be read before everything else; its tokens have
    negative offsets, which no event shows: ranges begin at 0.

    A token may be anything that Python takes for an integer, such as the scalar of an array. Those
    that may be structure become `int` on the way in, because some scalars equal a number without
    having its hash.

    Most tokens of content only add text, which `plain_texts` gives. A caller that needs speed may
    read such a token itself: it writes the text to `content` and counts the token in `offset`, both
    before it next calls the parser. `feed_text` does this for one token, `add_plain` for several
    that were looked up earlier, and `LockStep` for the tokens of many parsers.

    Attributes:
        breaks: The tokens that are not text in content.
        takes_any_id: Whether ids of more than 32 bits are read as ids outside the vocabulary.
        state: The part of the output that comes next.
        preset_role: The role of the next header, if the prompt named it; None after that header.
        header_tokens: The tokens read of an unfinished header.
        header: The header of the current message; valid in state CONTENT.
        offset: How many tokens have been read, without those of a prefill.
        content: The text read of the current message, without an incomplete last character.
        plain_texts: The text that a token adds by itself, by token id; empty if the parser has to
            read the token. Every other call may replace the table.
        reports_offsets: Whether deltas have the range of their tokens. A text from `plain_texts`
            is a delta of one token, the one at `offset`.
    """

    breaks: ClassVar[frozenset[int]] = STOP_TOKENS
    takes_any_id: ClassVar[bool] = False

    __slots__ = (
        "_content_begin",
        "_content_texts",
        "_delta",
        "_delta_begin",
        "_delta_end",
        "_first_offset",
        "_header_begin",
        "_header_end",
        "_is_lenient",
        "_max_header_tokens",
        "_message_index",
        "_must_prepare",
        "_pending",
        "_repairs",
        "_texts_after_start",
        "_tokenizer",
        "_width",
        "content",
        "header",
        "header_tokens",
        "offset",
        "plain_texts",
        "preset_role",
        "reports_offsets",
        "state",
    )

    def __init__(self, tokenizer: Tokenizer, role: Role | None, options: ParseOptions) -> None:
        self._tokenizer = tokenizer
        self._width = 1
        self._content_texts = tokenizer.content_texts(self.breaks, 1)
        self._is_lenient = options.mode == "lenient"
        self._max_header_tokens = options.max_header_tokens
        self.preset_role = role
        self.state = EXPECT_START if role is None else IN_HEADER
        self.header_tokens: list[int] = []
        self.header = Header(Role.ASSISTANT)
        self.content = io.StringIO()
        self.plain_texts: Sequence[str] = NO_PLAIN_TEXTS
        self.reports_offsets = options.delta_offsets
        self.offset = 0
        # The offset of the first token, which is negative if there is a prefill.
        self._first_offset = 0
        self._header_begin = 0
        self._header_end = 0
        self._content_begin = 0
        # The text of the next delta, and where its tokens begin and end.
        self._delta: list[str] = []
        self._delta_begin = 0
        self._delta_end = 0
        # Whether `_prepare` has something to do before the next token.
        self._must_prepare = self.reports_offsets
        # What `plain_texts` becomes once the start of a message in a prefill is reported.
        self._texts_after_start: Sequence[str] | None = None
        # The bytes of an incomplete character.
        self._pending = b""
        # Of the current message.
        self._message_index = 0
        self._repairs: list[RecoveryReason] = []

    def read_prefill(self, tokens: Sequence[int]) -> None:
        """Reads the last tokens of the prompt. Call it before anything else, at most once.

        The parser goes on from there but reports nothing of them, neither messages nor repairs,
        and counts offsets from the token after them. A message that they begin is reported as
        started with that token or with the end of the stream. Text whose part in the message only
        later tokens decide is reported with these.

        Raises:
            PrefillError: The tokens are malformed output.
            OverflowError: A token id is negative or does not fit into 32 bits.
        """
        self.offset = self._first_offset = self._header_begin = -len(tokens)
        events: list[Event] = []
        try:
            # One by one, as no event may join what is decided here with what comes later.
            for token in tokens:
                if not self.feed_text(token):
                    self.feed([token], events)
                    events.clear()
        except ParseError as error:
            raise PrefillError(error, offset=error.offset + len(tokens)) from None
        self._message_index = 0
        self._repairs = []
        self.content = io.StringIO()
        if self.state is IN_CONTENT:
            self._texts_after_start, self.plain_texts = self.plain_texts, NO_PLAIN_TEXTS
            self._must_prepare = True

    def feed(self, tokens: Sequence[int], events: list[Event]) -> None:
        """Reads tokens and appends what they complete to `events`.

        Raises:
            ParseError: Malformed output; the events before it have been appended.
            OverflowError: A token id is negative or does not fit into 32 bits; nothing was read.
        """
        try:
            self._read_all(tokens, events)
        finally:
            self._report_texts(events)

    def feed_in_parts(self, tokens: Sequence[int]) -> Iterator[list[Event]]:
        """Yields in parts the events that `feed` appends, to save memory.

        Raises:
            ParseError, OverflowError: As `feed`, but earlier parts have been read by then.
        """
        events: list[Event] = []
        for begin in range(0, len(tokens), MAX_PARSED_TOKENS_AT_ONCE):
            if begin:
                # The next part may still extend the last event.
                yield events[:-1]
                events = events[-1:]
            try:
                self._read_all(tokens[begin : begin + MAX_PARSED_TOKENS_AT_ONCE], events)
            except ParseError:
                self._report_texts(events)
                yield events
                raise
        self._report_texts(events)
        yield events

    def _read_all(self, tokens: Sequence[int], events: list[Event]) -> None:
        if type(tokens) is not list:
            tokens = list(tokens)
        try:
            boundaries = structural_offsets(tokens)
        except OverflowError:
            if not self.takes_any_id:
                raise
            indices = map(operator.index, tokens)
            tokens = [i if 0 <= i <= MAX_UINT32 else VOCABULARY_SIZE for i in indices]
            boundaries = structural_offsets(tokens)
        if self._must_prepare and tokens:
            self._prepare(events)
        position = 0
        for boundary in boundaries:
            if boundary > position:
                self._read_plain(tokens[position:boundary], events)
            self._read(operator.index(tokens[boundary]), events)
            position = boundary + 1
        if position < len(tokens):
            self._read_plain(tokens[position:], events)

    def _report_texts(self, events: list[Event]) -> None:
        """Appends events for the text added since the last report."""
        self._report_delta(events)

    def feed_one(self, token: int, events: list[Event]) -> None:
        """Reads one token id of at most 32 bits, as `feed` does, at a lower cost.

        Raises:
            ParseError: Malformed output; the events before it have been appended.
        """
        if self._must_prepare:
            self._prepare(events)
        self._read(operator.index(token), events)
        if self._delta:
            self._report_delta(events)

    def feed_text(self, token: int) -> str:
        """Reads one token and returns its text if the token does nothing but add text.

        Otherwise returns the empty string and has read nothing: pass the token to `feed_one`. Any
        integer is safe.
        """
        try:
            text = self.plain_texts[token]
        except IndexError:
            return ""
        if not text or token < 0:
            return ""
        self.content.write(text)
        self.offset += 1
        return text

    def add_plain(self, texts: Sequence[str]) -> None:
        """Reads tokens, given the texts that `plain_texts` has for them."""
        self.content.write("".join(texts))
        self.offset += len(texts)

    def finish(self, events: list[Event]) -> None:
        """Reads the end of the stream, which completes an unfinished message.

        Raises:
            ParseError: The stream ends inside a header.
        """
        if self.state is IN_HEADER:
            error = self._error("Unexpected EOS while waiting for message header to complete", None)
            error.cut_off = STOP_TOKENS.isdisjoint(self.header_tokens[-1:])
            raise error
        if self._must_prepare:
            self._prepare(events)
        if self.state is IN_CONTENT:
            self._complete(None, events)

    @property
    def content_begin(self) -> int:
        """The offset of the current message's first token of content; valid in state CONTENT."""
        return self._content_begin

    @property
    def held_bytes(self) -> int:
        """The memory that the unfinished message takes, in bytes, estimated from above."""
        # A buffer that grows has up to a quarter of room to spare.
        size = self.content.tell() * self._width * 5 // 4
        return size + len(self.header_tokens) * _HEADER_TOKEN_BYTES

    def adds_text(self, token: int) -> bool:
        """Returns whether a token does nothing but add its bytes to the content."""
        return self.state is IN_CONTENT and token not in self.breaks

    def read_deferring(self, token: int, events: list[Event]) -> list[str]:
        """Reads one content token the way the reference does, and returns the texts it adds.

        Per token, the reference replaces at most one piece of invalid UTF-8, as a text of its own.
        It keeps the bytes after that piece, valid or not, for the next token.
        """
        if self._must_prepare:
            # The reference's parser reports no starts.
            self._prepare([])
        data = self._pending + self._bytes_of([token], events)
        self.offset += 1
        try:
            pieces, rest = [data.decode()], b""
        except UnicodeDecodeError as error:
            valid = data[: error.start].decode()
            if error.reason == "unexpected end of data":
                pieces, rest = [valid], data[error.start :]
            else:
                pieces, rest = [valid, "\ufffd"], data[error.end :]
        self._set_pending(rest)
        for piece in pieces:
            self._widen(piece)
        self.content.writelines(pieces)
        return [piece for piece in pieces if piece]

    def _prepare(self, events: list[Event]) -> None:
        """Reports a start that is due, and notes where the tokens of the next delta begin."""
        if self._texts_after_start is not None:
            events.append(MessageStarted(self.header))
            self.plain_texts, self._texts_after_start = self._texts_after_start, None
            self._must_prepare = self.reports_offsets
        if self.plain_texts is not NO_PLAIN_TEXTS and not self._delta:
            # Since the last delta, tokens may have been looked up in `plain_texts`.
            self._delta_begin = self._delta_end = self.offset

    def _read(self, token: int, events: list[Event]) -> None:
        if self.state is IN_CONTENT:
            if token in STOP_TOKENS:
                self._complete(token, events)
                self.offset += 1
            else:
                self._add_content([token], events)
        elif self.state is IN_HEADER:
            self._read_in_header(token, events)
        elif token == START:
            self.offset += 1
            self._open_header()
        else:
            self._read_outside([token], events)

    def _read_plain(self, tokens: Sequence[int], events: list[Event]) -> None:
        """Reads tokens that are not structure in the current state."""
        if self.state is IN_CONTENT:
            # Decoding takes any integer.
            self._add_content(tokens, events)
            return
        tokens = list(map(operator.index, tokens))
        if self.state is IN_HEADER:
            self._add_to_header(tokens, events)
        else:
            self._read_outside(tokens, events)

    def _read_outside(self, tokens: Sequence[int], events: list[Event]) -> None:  # noqa: ARG002  # overrides use it
        """Reads tokens between messages."""
        raise self._error(
            f"Unexpected token {tokens[0]} while expecting start token {START}", tokens[0]
        )

    def _add_content(self, tokens: Sequence[int], events: list[Event]) -> None:
        text = self._decode(tokens, events)
        self.offset += len(tokens)
        self._add_text(text)
        if text and self._pending and self.reports_offsets:
            self._leave_out_pending(tokens)

    def _add_text(self, text: str) -> None:
        """Adds the text of the tokens up to `offset`."""
        if text:
            self._widen(text)
            self.content.write(text)
            self._delta.append(text)
            self._delta_end = self.offset

    def _leave_out_pending(self, tokens: Sequence[int]) -> None:
        """Takes the tokens that only begin a character out of the next delta's range.

        Args:
            tokens: The tokens of the text added last.
        """
        size = len(self._pending)
        for token in reversed(tokens):
            size -= len(self._tokenizer.decode_replacing([token]))
            if size < 0:
                return
            self._delta_end -= 1

    def _widen(self, text: str) -> None:
        """Notes that the content is about to have a text, whose characters may need more memory.

        `plain_texts` has only texts that do not make the content wider, so that its size is known
        without looking at each token.
        """
        if text.isascii() or self._width == MAX_WIDTH:
            return
        width = width_of(text)
        if width > self._width:
            self._width = width
            texts = self._tokenizer.content_texts(self.breaks, width)
            if self.plain_texts is self._content_texts:
                self.plain_texts = texts
            self._content_texts = texts

    def _decode(self, tokens: Sequence[int], events: list[Event]) -> str:
        """Returns the pending bytes and the tokens at `offset` as text.

        An incomplete character at the end becomes pending.
        """
        data = self._pending + self._bytes_of(tokens, events)
        text, consumed = codecs.utf_8_decode(data, "replace", False)
        self._set_pending(data[consumed:])
        return text

    def _bytes_of(self, tokens: Sequence[int], events: list[Event]) -> bytes:  # noqa: ARG002  # overrides use it
        """Decodes tokens at `offset`; ids outside the vocabulary become U+FFFD."""
        return self._tokenizer.decode_replacing(tokens)

    def _set_pending(self, pending: bytes) -> None:
        self._pending = pending
        self.plain_texts = NO_PLAIN_TEXTS if pending else self._content_texts

    def _open_header(self) -> None:
        self.state = IN_HEADER
        self.header_tokens = []
        self._header_begin = self.offset

    def _add_to_header(self, tokens: Sequence[int], events: list[Event]) -> None:  # noqa: ARG002  # overrides use it
        room = self._max_header_tokens - len(self.header_tokens)
        if len(tokens) > room:
            self.offset += room
            error = self._error(
                f"message header longer than {self._max_header_tokens} tokens", tokens[room]
            )
            self._expect_start()
            raise error
        self.offset += len(tokens)
        self.header_tokens += tokens

    def _read_in_header(self, token: int, events: list[Event]) -> None:
        if token == MESSAGE:
            self._finish_header(events)
        elif token in STOP_TOKENS and self._is_lenient:
            self._end_header_leniently(token, events)
        else:
            self._add_to_header([token], events)

    def _finish_header(self, events: list[Event]) -> None:
        try:
            tokens = tuple(self.header_tokens)
            is_short = len(tokens) <= MAX_REMEMBERED_HEADER_TOKENS
            read = _remember_header if is_short else _read_header
            header = read(self._tokenizer, self.preset_role, tokens)
        except HarmonyError as error:
            failure = self._error(str(error), MESSAGE)
            self._expect_start()
            raise failure from None
        self._begin_message(header, events)

    def _begin_message(self, header: Header, events: list[Event]) -> None:
        """Begins a message at the `<|message|>` behind its header."""
        self.header = header
        self.preset_role = None
        self._header_end = self.offset
        self.offset += 1
        self._begin_content(events)

    def _begin_content(self, events: list[Event]) -> None:
        self.state = IN_CONTENT
        self._content_begin = self._delta_begin = self._delta_end = self.offset
        self._set_pending(b"")
        events.append(MessageStarted(self.header))

    def _end_header_leniently(self, stop_token: int, events: list[Event]) -> None:
        if self.preset_role is not None and self.header_tokens:
            try:
                header, text = parse_unfinished_header(
                    self._tokenizer.decode_utf8(self.header_tokens), self.preset_role
                )
            except HarmonyError as error:
                raise self._error(str(error), stop_token) from None
            self._begin_unfinished(header, text, events)
            self._complete(stop_token, events)
        self.offset += 1
        self.preset_role = None
        self._expect_start()

    def _begin_unfinished(self, header: Header, text: str, events: list[Event]) -> None:
        """Begins a message whose header ended without `<|message|>`; `text` stood in the header."""
        self.header = header
        self._header_end = self.offset
        self._begin_content(events)
        self._add_text(text)

    def _complete(self, stop_token: int | None, events: list[Event]) -> None:
        self._add_text(self._pending.decode(errors="replace"))
        self._report_delta(events)
        header_range = TokenRange(self._header_begin, self._header_end)
        content_range = TokenRange(self._content_begin, self.offset)
        if self._header_begin < 0:
            header_range = without_prefill(header_range)
            content_range = without_prefill(content_range)
        events.append(
            MessageCompleted(
                self.header,
                self.content.getvalue(),
                stop_token,
                header_range,
                content_range,
                tuple(self._repairs),
            )
        )
        self._message_index += 1
        self._expect_start()

    def _report_delta(self, events: list[Event]) -> None:
        if self._delta:
            delta = ContentDelta("".join(self._delta))
            if self.reports_offsets:
                delta.offsets = without_prefill(TokenRange(self._delta_begin, self._delta_end))
                self._delta_begin = self._delta_end
            events.append(delta)
            self._delta.clear()

    def _expect_start(self) -> None:
        self.state = EXPECT_START
        self.header_tokens = []
        self.content = io.StringIO()
        if self._width > 1:
            self._width = 1
            self._content_texts = self._tokenizer.content_texts(self.breaks, 1)
        self._pending = b""
        self._repairs = []
        self.plain_texts = NO_PLAIN_TEXTS

    def _error(self, message: str, token: int | None) -> ParseError:
        return ParseError(message, token=token, offset=self.offset, state=self.state.value)


def without_prefill(tokens: TokenRange) -> TokenRange:
    """Returns the part of a range that has no tokens of a prefill."""
    return TokenRange(max(tokens.begin, 0), max(tokens.end, 0))


def _read_header(tokenizer: Tokenizer, preset_role: Role | None, tokens: tuple[int, ...]) -> Header:
    try:
        text = tokenizer.decode_utf8(tokens)
    except HarmonyError:
        raise HarmonyError("could not decode header") from None
    return parse_header(text, preset_role)


_remember_header = functools.lru_cache(MAX_REMEMBERED_HEADERS)(_read_header)
