"""One choice of an answer: its tokens to messages, and these to the client's terms."""

import io
from collections.abc import Sequence

from ...core import HarmonyEncoding, ParseOptions, Role
from ...core.events import (
    ContentDelta,
    Event,
    MessageCompleted,
    MessageStarted,
    Recovered,
    RecoveryReason,
)
from ...core.parser import NO_PLAIN_TEXTS, StreamState
from ...core.tokenizer import END
from ..answer_context import AnswerContext
from .call_arguments import LeadingBlanks, complete_arguments
from .ends import EndReason
from .logprobs import LogprobAligner, LogprobEntry, TokenLogprob
from .message_kind import Classifier, MessageClass, MessageKind
from .results import SequenceOutcome
from .sink import MessageSink
from .stop_strings import StopMatcher, StopStrings

_FINISH_REASONS = {EndReason.LENGTH: "length", EndReason.CONTENT_FILTER: "content_filter"}
_OUTSIDE = MessageClass(MessageKind.CONTENT)


class AnswerSequence:
    """Reads the tokens of one choice. No tokens are an error.

    A token that only adds text may be read as `MessageParser` allows, by `plain_texts`, `content`
    and `offset`; its frame is then made with the sink's `pieces`.

    Args:
        encoding: Parses the tokens.
        context: What the answer knows of its request.
        classifier: Of the answer.
        stop: The stop strings of the answer.
        sink: Where the messages go.
        index: The index of the choice.

    Attributes:
        plain_texts: The texts of the tokens that add no more than a text to the frames.
        is_ended: Whether nothing more is read.
        completion_tokens: How many tokens were sampled; set when the sequence has ended.
        reasoning_tokens: How many of them were in reasoning, so far.
        has_new_stop: Whether the answer has ended the sequence, and nobody was told yet.
        has_new_continuation: Whether the prompt has to be continued, and nobody was told yet.
    """

    __slots__ = (
        "_aligner",
        "_blanks",
        "_calls",
        "_classifier",
        "_content_begin",
        "_context",
        "_end_reason",
        "_entries",
        "_has_content",
        "_header_is_cut",
        "_index",
        "_is_continued",
        "_last_repair",
        "_matcher",
        "_message",
        "_ordinal",
        "_outside",
        "_parser",
        "_repairs",
        "_sent",
        "_sink",
        "_stop",
        "_texts",
        "_uncounted",
        "_undeclared",
        "completion_tokens",
        "has_new_continuation",
        "has_new_stop",
        "is_ended",
        "plain_texts",
        "reasoning_tokens",
    )

    def __init__(
        self,
        encoding: HarmonyEncoding,
        context: AnswerContext,
        classifier: Classifier,
        stop: StopStrings,
        sink: MessageSink,
        index: int,
    ) -> None:
        options = ParseOptions(recover=True, callable_names=classifier.callable_names)
        parser = self._parser = encoding.new_parser(
            Role.ASSISTANT, options, context.prefilled_tokens
        )
        self._context = context
        self._classifier = classifier
        self._stop = stop
        self._sink = sink
        self._index = index
        self._aligner = LogprobAligner(encoding, parser.breaks) if context.logprobs else None
        # Tokens that the parser read and nobody sampled.
        self._uncounted = 0
        # The current message; None between messages, and for one that is not shown.
        self._message: MessageClass | None = None
        self._ordinal = 0
        self._content_begin = 0
        self._matcher: StopMatcher | None = None
        self._blanks: LeadingBlanks | None = None
        # Of the current message: text that the sink is yet to get, and, for content that may end
        # before the message does or that has log probabilities, all text that is sent.
        self._texts: list[str] = []
        self._entries: list[LogprobEntry] = []
        self._sent: list[str] | None = None
        self._outside: list[_Outside] = []
        self._header_is_cut = False
        self._is_continued = False
        self._last_repair: Recovered | None = None
        self._end_reason: EndReason | None = None
        self._calls = self._undeclared = 0
        self._repairs: dict[RecoveryReason, int] = {}
        self._has_content = False
        self.is_ended = False
        self.completion_tokens = self.reasoning_tokens = 0
        self.has_new_stop = self.has_new_continuation = False
        self.plain_texts: Sequence[str] = NO_PLAIN_TEXTS

    @property
    def pieces(self) -> Sequence[bytes]:
        """What the frame of a text in `plain_texts` consists of; empty if it has none."""
        return self._sink.pieces

    # As the lock step reads the parser's own

    @property
    def reports_offsets(self) -> bool:
        """False: nobody asks where the tokens of a delta stand."""
        return False

    @property
    def content(self) -> io.StringIO:
        """The text read of the current message."""
        return self._parser.content

    @property
    def offset(self) -> int:
        """How many tokens have been read."""
        return self._parser.offset

    @offset.setter
    def offset(self, offset: int) -> None:
        self._parser.offset = offset

    # Input

    def read(self, tokens: Sequence[int], logprobs: Sequence[TokenLogprob] | None = None) -> None:
        """Reads tokens, and sends what they add.

        Args:
            tokens: Token ids from 0 to 2³² - 1.
            logprobs: One for each token, if there are any.
        """
        if not self.is_ended:
            if self._is_read_token_by_token():
                self._read_each(tokens, logprobs)
            else:
                events: list[Event] = []
                self._parser.feed(tokens, events)
                self._apply(events)
            self._flush()
        self._update()

    def take_plain(self, tokens: Sequence[int]) -> str:
        """Reads tokens that all have a text in `plain_texts`, and returns the text to frame.

        Otherwise returns the empty string and has read nothing.
        """
        try:
            texts = list(map(self.plain_texts.__getitem__, tokens))
        except IndexError:
            return ""
        if "" in texts:
            return ""
        text = "".join(texts)
        self._parser.content.write(text)
        self._parser.offset += len(texts)
        return text

    def read_one(self, token: int) -> None:
        """Reads one token, as `read` does, at a lower cost; it has no log probability."""
        if not self.is_ended:
            self._feed_one(token)
            self._flush()
        self._update()

    def finish(self, reason: EndReason) -> None:
        """Ends the sequence, unless it has ended."""
        if self.is_ended:
            return
        self._end_reason = reason
        # A header that was cut off begins no message; with a stop token left out, it may.
        is_header = self._parser.state is StreamState.HEADER
        self._header_is_cut = is_header and reason is not EndReason.STOP
        events: list[Event] = []
        self._parser.finish(events)
        self._apply(events)
        if not self.is_ended:
            self._show_outside(reason)
        if not self.is_ended:
            self._close(reason)
        self._update()

    def outcome(self) -> SequenceOutcome:
        """Returns how the sequence came out; it has ended."""
        return SequenceOutcome(
            self._index,
            self._finish_reason(),
            sum(self._repairs.values()),
            self._undeclared,
            empty=not (self._has_content or self._calls),
            repairs_by_reason=self._repairs,
        )

    def _is_read_token_by_token(self) -> bool:
        """Returns whether the answer may end or continue the sequence behind any token."""
        context = self._context
        may_continue = bool(context.continue_tokens) and not self._is_continued
        may_end = bool(self._stop.strings) or self._max_calls() is not None
        return may_continue or may_end or self._aligner is not None

    def _read_each(self, tokens: Sequence[int], logprobs: Sequence[TokenLogprob] | None) -> None:
        aligner = self._aligner
        for index, token in enumerate(tokens):
            if aligner is not None:
                if logprobs is not None:
                    aligner.note(self._parser.offset, logprobs[index])
                self._feed_one(token)
                if self._message is not None and not self._message.kind.is_content:
                    aligner.forget_old()
            else:
                text = self._parser.feed_text(token)
                if text:
                    self._add_text(text)
                else:
                    self._feed_one(token)
            if self.is_ended:
                return

    def _feed_one(self, token: int) -> None:
        events: list[Event] = []
        self._parser.feed_one(token, events)
        self._apply(events)
        if self.has_new_continuation and not self._is_continued:
            self._is_continued = True
            events = []
            self._parser.feed(self._context.continue_tokens, events)
            self._uncounted += len(self._context.continue_tokens)
            self._apply(events)

    def _update(self) -> None:
        """Sets which tokens may be read by others."""
        if (
            self._message is not None
            and self._blanks is None
            and self._sent is None
            and self._sink.takes_plain
        ):
            self.plain_texts = self._parser.plain_texts
        else:
            self.plain_texts = NO_PLAIN_TEXTS

    # Events

    def _apply(self, events: Sequence[Event]) -> None:
        for index, event in enumerate(events):
            if type(event) is ContentDelta:
                self._add_text(event.text)
            elif type(event) is MessageStarted:
                self._begin(event, events[index + 1 :])
            elif type(event) is MessageCompleted:
                self._complete(event)
            elif type(event) is Recovered:
                self._recover(event)
            if self.is_ended:
                return

    def _begin(self, started: MessageStarted, following: Sequence[Event]) -> None:
        if self._header_is_cut:
            return
        message = self._classifier.classify(started.header)
        if message.kind is MessageKind.CALL:
            most = self._max_calls()
            if most is not None and self._calls >= most:
                self._end_here()
                return
            self._calls += 1
        self._undeclared += message.is_undeclared
        self._open(message)
        if self._aligner is not None and message.kind.is_content:
            self._aligner.begin()
            completed = next((e for e in following if type(e) is MessageCompleted), None)
            self._content_begin = (
                self._parser.content_begin if completed is None else completed.content_range.begin
            )

    def _open(self, message: MessageClass) -> None:
        self._message = message
        self._sink.begin(message, self._ordinal)
        if message.kind.is_content:
            if self._stop.strings:
                self._matcher = StopMatcher(self._stop)
            if self._stop.strings or self._aligner is not None:
                self._sent = []
        elif message.kind is MessageKind.CALL and self._context.stream:
            self._blanks = LeadingBlanks()

    def _add_text(self, text: str) -> None:
        if self._message is None:
            return
        if self._sent is not None:
            self._add_checked(text, self._parser.offset)
        elif self._blanks is not None:
            text = self._blanks.add(text)
            if text:
                self._blanks = None
                self._texts.append(text)
        elif self._context.stream:
            self._texts.append(text)

    def _add_checked(self, text: str, end: int) -> None:
        """Sends content up to a stop string, with log probabilities.

        Args:
            text: More text of the message.
            end: The offset behind the last token that it may come from.
        """
        matcher = self._matcher
        if matcher is not None:
            text = matcher.add(text)
        self._send_checked(text, end)
        if matcher is not None and matcher.is_matched:
            self._end_message("".join(self._sent or ()), is_cut_off=False)
            self._end_here()

    def _finish_checked(self, begin: int, end: int) -> str:
        """Sends what was held back of content that has ended; returns all that was sent."""
        if self._matcher is not None:
            self._send_checked(self._matcher.finish(), end)
        if self._aligner is not None:
            self._entries += self._aligner.take_rest(begin, end)
        return "".join(self._sent or ())

    def _send_checked(self, text: str, end: int) -> None:
        if text and self._sent is not None:
            self._sent.append(text)
            self._texts.append(text)
            if self._aligner is not None:
                self._entries += self._aligner.take(self._content_begin, end, text)

    def _complete(self, completed: MessageCompleted) -> None:
        message = self._message
        text = completed.text
        if message is None:
            return
        begin, end = completed.content_range
        if message.kind is MessageKind.REASONING:
            self.reasoning_tokens += end - begin
        is_cut_off = self._end_reason not in (None, EndReason.STOP)
        is_due = not self._context.stream
        if self._sent is not None:
            text = self._finish_checked(begin, end)
            is_due = False
        elif message.kind is MessageKind.CALL:
            text = complete_arguments(text, is_cut_off=is_cut_off)
            is_due = is_due or self._blanks is not None
        if is_due and text:
            self._texts.append(text)
        self._end_message(text, is_cut_off=is_cut_off)
        if self._may_continue_behind(message, completed):
            self.has_new_continuation = True

    def _end_message(self, text: str, *, is_cut_off: bool) -> None:
        self._flush()
        self._sink.end(text, is_cut_off=is_cut_off)
        if self._message is not None and self._message.kind.is_content and text.strip():
            self._has_content = True
        self._message = None
        self._matcher = self._blanks = self._sent = None
        self._ordinal += 1

    def _flush(self) -> None:
        if self._texts or self._entries:
            self._sink.add("".join(self._texts), self._entries)
            self._texts, self._entries = [], []

    def _recover(self, event: Recovered) -> None:
        last, self._last_repair = self._last_repair, event
        is_new = last is None or not _goes_on(last, event)
        if is_new:
            self._repairs[event.reason] = self._repairs.get(event.reason, 0) + 1
        if event.reason is RecoveryReason.TEXT_OUTSIDE_MESSAGE:
            if self._aligner is not None:
                self._aligner.set_aside(*event.offsets)
            if is_new:
                self._outside.append(_Outside(event.offsets.begin))
            self._outside[-1].texts.append(event.text)
            self._outside[-1].end = event.offsets.end

    # The end

    def _show_outside(self, reason: EndReason) -> None:
        """Shows text outside messages as content, if there is nothing else to show."""
        is_shown = reason is EndReason.STOP or reason is EndReason.CONTENT_FILTER
        if not is_shown or self._has_content or self._calls:
            return
        if self._aligner is not None:
            self._aligner.take_back()
        for outside in self._outside:
            text = "".join(outside.texts)
            if not text.strip():
                continue
            self._open(_OUTSIDE)
            if self._aligner is not None:
                self._aligner.begin()
                self._content_begin = outside.begin
            if self._sent is None:
                self._texts.append(text)
            else:
                self._add_checked(text, outside.end)
                if self.is_ended:
                    return
                text = self._finish_checked(outside.begin, outside.end)
            self._end_message(text, is_cut_off=False)

    def _end_here(self) -> None:
        """Ends the sequence for the engine, which does not know yet."""
        self.has_new_stop = self._end_reason is None
        self._close(EndReason.STOP)

    def _close(self, reason: EndReason) -> None:
        self.is_ended = True
        self._end_reason = reason
        self.completion_tokens = self._parser.offset - self._uncounted
        self._sink.finish(reason, self._finish_reason())

    def _finish_reason(self) -> str:
        if self._end_reason is EndReason.STOP:
            if not self._calls:
                return "stop"
            return "function_call" if self._context.legacy_function_call else "tool_calls"
        return "" if self._end_reason is None else _FINISH_REASONS.get(self._end_reason, "")

    def _max_calls(self) -> int | None:
        most = self._context.max_calls
        if self._context.legacy_function_call:
            return 1 if most is None else min(most, 1)
        return most

    def _may_continue_behind(self, message: MessageClass, completed: MessageCompleted) -> bool:
        return (
            bool(self._context.continue_tokens)
            and not self._is_continued
            and not self._calls
            and self._end_reason is None
            and message.kind is MessageKind.REASONING
            and completed.stop_token == END
        )


class _Outside:
    """A run of text outside messages, and its tokens."""

    __slots__ = ("begin", "end", "texts")

    def __init__(self, begin: int) -> None:
        self.begin = self.end = begin
        self.texts: list[str] = []


def _goes_on(last: Recovered, repair: Recovered) -> bool:
    """Returns whether a repair is more of the last one, reported in parts."""
    return (
        not (last.raw_header or repair.raw_header)
        and last.reason is repair.reason
        and last.message_index == repair.message_index
        and last.offsets.end == repair.offsets.begin
        and last.offsets.begin < last.offsets.end
    )
