"""One sequence, parsed by the reference token by token and reported as the contract's events.

Roles, channels, recipients, content types, texts and errors are the reference's. The rest follows
the protos' comments and docs/parity.md: offsets and stop tokens (from the reference's changes of
state), the limit of a header, and unknown ids.
"""

import codecs
from collections.abc import Iterable
from typing import Any

from harmony_client._google import status_pb2
from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

from .contract import parse_failed, text, token_range
from .reference import MESSAGE, VOCABULARY_SIZE, Reference
from .to_reference import ROLE_NAMES

_ROLES = {name: role for role, name in ROLE_NAMES.items()}
_START, _HEADER, _CONTENT = "ExpectStart", "Header", "Content"
_DEFAULT_MAX_HEADER_TOKENS = 4096


class Sequence:
    """Reads one sequence in strict or lenient mode.

    Attributes:
        error: The error that ended the sequence, or None. After an error, tokens are ignored.
        refused: The index of the token of the prefill that does not fit, or None.
    """

    def __init__(self, reference: Reference, config: parse.ParseConfig) -> None:
        options = config.options
        assert not options.recover, "the reference has no recover mode"
        self._reference = reference
        self._strict = options.strict if options.HasField("strict") else True
        self._max_header_tokens = _DEFAULT_MAX_HEADER_TOKENS
        if options.HasField("max_header_tokens"):
            self._max_header_tokens = options.max_header_tokens
        role = config.role if config.HasField("role") else None
        self._parser = reference.new_parser(role, strict=self._strict)
        self._state = _START if role is None else _HEADER
        # The tokens of the prefill have negative offsets.
        self._offset = self._header_begin = -len(config.prefill)
        self._reports_offsets = options.delta_offsets
        self._header_end = 0
        self._content_begin = 0
        self._is_utf8 = True
        self._has_unknown_ids = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        # The text of the current message, and how much of it deltas have reported.
        self._text = ""
        self._reported = 0
        # Where text behind the prefill begins, and where the tokens of the next delta do and end.
        self._text_begin = 0
        self._delta_begin = 0
        self._delta_end = 0
        self._message_count = 0
        self._last_token: int | None = None
        # The start of a message in the prefill, until it is reported.
        self._due: parse.ParseEvent | None = None
        self.error: status_pb2.Status | None = None
        self.refused: int | None = None
        self._read_prefill(config.prefill)

    def _read_prefill(self, tokens: Iterable[int]) -> None:
        events: list[parse.ParseEvent] = []
        for index, token in enumerate(tokens):
            if self.error is None:
                self._read(token, events)
                self._report_delta(events)
                self.refused = None if self.error is None else index
        if self._state == _CONTENT:
            self._due = [event for event in events if event.HasField("started")][-1]
            self._text_begin = len(self._text)

    def feed(self, tokens: Iterable[int]) -> list[parse.ParseEvent]:
        """Reads the tokens of one request and returns its events."""
        events: list[parse.ParseEvent] = []
        for token in tokens:
            self._report_start(events)
            if self.error is None:
                self._read(token, events)
        self._report_delta(events)
        return events

    def finish(self) -> list[parse.ParseEvent]:
        """Reads the end of the sequence and returns its events."""
        events: list[parse.ParseEvent] = []
        self._report_start(events)
        if self.error is None:
            try:
                self._parser.process_eos()
            except self._reference.error:
                cut_off = self._last_token not in self._reference.stop_tokens
                self.error = parse_failed(None, self._offset, self._state, cut_off=cut_off)
            else:
                if self._state == _CONTENT:
                    self._complete(None, events)
        return events

    def _report_start(self, events: list[parse.ParseEvent]) -> None:
        if self._due is not None:
            events.append(self._due)
            self._due = None

    def _read(self, token: int, events: list[parse.ParseEvent]) -> None:
        if self._state == _CONTENT and token not in self._reference.stop_tokens:
            self._read_content(token)
        elif self._state == _HEADER and self._overfills_header(token):
            self.error = parse_failed(token, self._offset, self._state)
        else:
            self._read_structure(token, events)
        self._last_token = token
        if self.error is None:
            self._offset += 1

    def _read_content(self, token: int) -> None:
        if token < VOCABULARY_SIZE:
            self._parser.process(token)
            delta = self._decoder.decode(self._reference.decode_bytes([token]))
            # After invalid UTF-8, the reference delays text by one token.
            self._is_utf8 = self._is_utf8 and "\ufffd" not in delta
            assert not self._is_utf8 or delta == (self._parser.last_content_delta or "")
        else:
            # The reference would lose the following text: docs/parity.md, deviation 2.
            delta = self._decoder.decode("\ufffd".encode())
            self._is_utf8, self._has_unknown_ids = False, True
        self._text += delta
        if delta:
            self._delta_end = self._offset + 1

    def _read_structure(self, token: int, events: list[parse.ParseEvent]) -> None:
        before = self._state
        try:
            self._parser.process(token)
        except self._reference.error:
            self.error = parse_failed(token, self._offset, before)
            return
        shown: dict[str, Any] = self._parser.state_data
        self._state = shown["state"]
        if before == _START:
            self._header_begin = self._offset + 1
        elif before == _CONTENT:
            self._complete(token, events)
        elif self._state == _CONTENT:
            self._begin(shown["header"], self._offset + 1, events)
        elif self._state == _START:
            self._complete_header(token, events)

    def _overfills_header(self, token: int) -> bool:
        """Says whether a token would exceed the header's limit: docs/parity.md, deviation 4."""
        ends_it = token == MESSAGE or (token in self._reference.stop_tokens and not self._strict)
        return not ends_it and self._offset - self._header_begin == self._max_header_tokens

    def _begin(
        self, header: dict[str, Any], content_begin: int, events: list[parse.ParseEvent]
    ) -> None:
        self._header_end, self._content_begin = self._offset, content_begin
        self._is_utf8, self._has_unknown_ids = True, False
        self._text, self._reported, self._text_begin = "", 0, 0
        self._delta_begin = self._delta_end = content_begin
        self._decoder.reset()
        started = parse.MessageStarted(
            author=_author(header["author"]),
            recipient=header.get("recipient"),
            channel=header.get("channel"),
            content_type=header.get("content_type"),
        )
        events.append(parse.ParseEvent(started=started))

    def _complete_header(self, stop_token: int, events: list[parse.ParseEvent]) -> None:
        """Reports the message, if any, that a stop token made of a header."""
        messages = self._parser.messages
        if len(messages) > self._message_count:
            made = messages[-1].to_dict()
            author = {"role": made["role"], "name": made.get("name")}
            self._begin({**made, "author": author}, self._offset, events)
            self._text = made["content"][0]["text"]
            self._complete(stop_token, events)

    def _complete(self, stop_token: int | None, events: list[parse.ParseEvent]) -> None:
        if rest := self._decoder.decode(b"", final=True):
            self._text += rest
            self._delta_end = self._offset
        self._report_delta(events)
        messages = self._parser.messages
        self._message_count += 1
        assert len(messages) == self._message_count
        message = proto_of(messages[-1])
        if self._has_unknown_ids:
            message.content[0].text.text = self._text
        assert message.content[0].text.text == self._text
        message.content[0].text.text = self._text[self._text_begin :]
        completed = parse.MessageCompleted(
            message=message,
            stop_token=stop_token,
            offsets=parse.MessageOffsets(
                header=_without_prefill(self._header_begin, self._header_end),
                content=_without_prefill(self._content_begin, self._offset),
            ),
        )
        events.append(parse.ParseEvent(completed=completed))
        self._state = _START

    def _report_delta(self, events: list[parse.ParseEvent]) -> None:
        if self._reported < len(self._text):
            delta = parse.ContentDelta(text=self._text[self._reported :])
            if self._reports_offsets:
                delta.offsets.CopyFrom(_without_prefill(self._delta_begin, self._delta_end))
                self._delta_begin = self._delta_end
            events.append(parse.ParseEvent(delta=delta))
            self._reported = len(self._text)


def _without_prefill(begin: int, end: int) -> parse.TokenRange:
    return token_range(max(begin, 0), max(end, 0))


def proto_of(message: Any) -> chat.Message:
    """Returns a message parsed by the reference as the contract's message."""
    data: dict[str, Any] = message.to_dict()
    (content,) = data["content"]
    return chat.Message(
        author=_author(data),
        content=[text(content["text"])],
        recipient=data.get("recipient"),
        channel=data.get("channel"),
        content_type=data.get("content_type"),
    )


def _author(data: dict[str, Any]) -> chat.Author:
    return chat.Author(role=_ROLES[data["role"]], name=data.get("name"))
