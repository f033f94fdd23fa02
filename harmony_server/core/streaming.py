"""The reference's incremental parser: feed one token at a time, read the state from getters."""

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from .chat import Message, Role
from .events import ContentDelta, Event, MessageCompleted, MessageStarted, Recovered
from .parse_options import ParseOptions
from .parser import IN_CONTENT, IN_HEADER, StreamState
from .tokenizer import MAX_UINT32

if TYPE_CHECKING:
    from .encoding import HarmonyEncoding


class StreamableParser:
    """Incremental parser over completion tokens.

    Args:
        encoding: The encoding of the tokens.
        role: The role at the end of the prompt, if the tokens begin inside its header. None if they
            begin with `<|start|>`.
        strict: See ParseOptions; None means True.
        options: If given, used instead of `strict`.
        prefill: The last tokens of the prompt, behind those that `role` stands for. The state is
            the one behind them, but their text is in no message, and `tokens` lacks them.

    Raises:
        PrefillError: A malformed prefill.

    Attributes:
        last_content_delta: The text that the last token added to the current message, or None. An
            incomplete character at the end of a message appears in the message only.
        recovered: The repairs so far, in recover mode.
    """

    # Faster than attributes in a dictionary, which it has too, for those of callers.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_completed",
        "_encoding",
        "_fed_tokens",
        "_parser",
        "_plain_texts",
        "_texts",
        "_tokens",
        "last_content_delta",
        "recovered",
    )

    def __init__(
        self,
        encoding: "HarmonyEncoding",
        role: Role | None,
        *,
        strict: bool | None = True,
        options: ParseOptions | None = None,
        prefill: Iterable[int] = (),
    ) -> None:
        self._encoding = encoding
        self._parser = encoding.new_parser(role, options or ParseOptions(strict=strict), prefill)
        # The parser's own, at hand for the next token.
        self._plain_texts = self._parser.plain_texts
        self._completed: list[MessageCompleted] = []
        # How many tokens the parser has read, and the texts that they added to the current message.
        self._fed_tokens = 0
        self._texts: list[str] = []
        self.last_content_delta: str | None = None
        self._tokens: list[int] = []
        self.recovered: list[Recovered] = []

    def process(self, token: int) -> Self:
        """Reads one token.

        Raises:
            HarmonyError: Malformed output.
            OverflowError: The token id is negative or does not fit into 32 bits.
        """
        # Tokens that only add text are fed later: `feed_text` would make this half as slow again.
        try:
            text = self._plain_texts[token]
        except (IndexError, TypeError):
            text = ""
        if text and type(token) is int and token >= 0:
            self._tokens.append(token)
            self._texts.append(text)
            self.last_content_delta = text
            return self
        if type(token) is int:
            self._process_slowly(token)
            return self
        # Read at once: the scalar of an array may change before the parser is fed.
        return self.process(int(operator.index(token)))

    def process_eos(self) -> Self:
        """Reads the end of the stream.

        Raises:
            HarmonyError: The stream ends inside a header.
        """
        self._catch_up()
        events: list[Event] = []
        self._parser.finish(events)
        self._plain_texts = self._parser.plain_texts
        self._collect(events)
        return self

    def _process_slowly(self, token: int) -> None:
        if not 0 <= token <= MAX_UINT32:
            raise OverflowError("out of range integral type conversion attempted")
        parser = self._parser
        self._catch_up()
        self._tokens.append(token)
        events: list[Event] = []
        try:
            if parser.adds_text(token):
                texts = parser.read_deferring(token, events)
                self._texts += texts
                self.last_content_delta = "".join(texts) or None
            else:
                parser.feed_one(token, events)
        finally:
            # Count a token that raised too, as `tokens` does.
            parser.offset = self._fed_tokens = len(self._tokens)
            self._plain_texts = parser.plain_texts
        self._collect(events)

    def _catch_up(self) -> None:
        """Feeds the parser the tokens it has not read yet, each of which only adds a text."""
        count = len(self._tokens) - self._fed_tokens
        if count:
            self._parser.add_plain(self._texts[-count:])
            self._fed_tokens += count

    def _collect(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case MessageStarted():
                    self._texts = []
                case ContentDelta():
                    self._texts.append(event.text)
                case MessageCompleted():
                    self._completed.append(event)
                    self._texts = []
                    self.last_content_delta = None
                case Recovered():
                    self.recovered.append(event)

    @property
    def tokens(self) -> list[int]:
        """Every token processed so far, including those that raised an error."""
        return self._tokens.copy()

    @property
    def current_content(self) -> str:
        """The text of the current message so far; empty outside content."""
        self._catch_up()
        return self._parser.content.getvalue()

    @property
    def current_role(self) -> Role | None:
        """The role of the current message; outside content the preset role, or None."""
        if self.state is IN_CONTENT:
            return self._parser.header.role
        return self._parser.preset_role

    @property
    def current_content_type(self) -> str | None:
        """The content type of the current message; None outside content."""
        return self._parser.header.content_type if self.state is IN_CONTENT else None

    @property
    def current_recipient(self) -> str | None:
        """The recipient of the current message; None outside content."""
        return self._parser.header.recipient if self.state is IN_CONTENT else None

    @property
    def current_channel(self) -> str | None:
        """The channel of the current message; None outside content."""
        return self._parser.header.channel if self.state is IN_CONTENT else None

    @property
    def messages(self) -> list[Message]:
        """The completed messages."""
        return [completed.to_message() for completed in self._completed]

    @property
    def state(self) -> StreamState:
        """The part of the output that comes next."""
        return self._parser.state

    @property
    def state_data(self) -> dict[str, Any]:
        """The state and its data, in the reference's form.

        `content_tokens` encode the text so far, delta by delta; they may differ from the tokens
        that were processed.
        """
        self._catch_up()
        parser = self._parser
        data: dict[str, Any] = {"state": parser.state.value}
        if parser.state is IN_HEADER:
            data["header_tokens"] = list(parser.header_tokens)
        elif parser.state is IN_CONTENT:
            header = parser.header
            author = {"role": header.role.value}
            if header.name is not None:
                author["name"] = header.name
            data["header"] = {
                "author": author,
                "recipient": header.recipient,
                "channel": header.channel,
                "content_type": header.content_type,
            }
            data["content_tokens"] = [
                token for text in self._texts for token in self._encoding.encode_ordinary(text)
            ]
        return data
