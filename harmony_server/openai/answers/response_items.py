"""The items of a response: what each is in the events, and in the output."""

from collections.abc import Sequence
from typing import Protocol

from ..encrypted_content import pack_reasoning
from .custom_input import custom_input
from .ids import ItemIds
from .json_bytes import dump, quoted
from .logprobs import LogprobEntry
from .message_kind import MessageClass, MessageKind
from .response_events import EventWriter


class OutputItem(Protocol):
    """One item while it is written."""

    def begin(self) -> Sequence[bytes]:
        """Writes the events before the text; returns the pieces of the text's events."""

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Writes more text."""

    def end(self, text: str, status: str) -> bytes:
        """Writes the events behind the text, and returns the finished item as JSON."""


def new_item(
    message: MessageClass,
    ids: ItemIds,
    output_index: int,
    events: EventWriter,
    *,
    encrypted_reasoning: bool,
) -> OutputItem:
    """Returns the item of a message.

    Args:
        message: What the message is.
        ids: Of the message.
        output_index: The index of the item in the output.
        events: Writes the events.
        encrypted_reasoning: Whether reasoning has `encrypted_content`.
    """
    if message.kind is MessageKind.REASONING:
        return _Reasoning(ids, output_index, events, is_encrypted=encrypted_reasoning)
    if message.kind is not MessageKind.CALL:
        phase = "commentary" if message.kind is MessageKind.PREAMBLE else "final_answer"
        return _Message(ids, output_index, events, phase)
    if message.is_custom:
        return _CustomCall(message, ids, output_index, events)
    return _FunctionCall(message, ids, output_index, events)


class _Item:
    """The part that all items share: an id, a place, and the events at both ends."""

    __slots__ = ("_events", "_id", "_output_index", "_pieces", "_place")

    def __init__(self, item_id: str, output_index: int, events: EventWriter) -> None:
        self._id = quoted(item_id)
        self._output_index = output_index
        self._events = events
        # The members that say where a text belongs.
        self._place = b'"item_id":%b,"output_index":%d' % (self._id, output_index)
        self._pieces: Sequence[bytes] = ()

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:  # noqa: ARG002  # of content
        self._events.write_delta(text, self._pieces)

    def _emit_added(self, item: bytes) -> None:
        members = b'"output_index":%d,"item":%b' % (self._output_index, item)
        self._events.emit("response.output_item.added", members)

    def _emit_done(self, item: bytes) -> bytes:
        members = b'"output_index":%d,"item":%b' % (self._output_index, item)
        self._events.emit("response.output_item.done", members)
        return item


class _TextItem(_Item):
    """An item with one part of content."""

    __slots__ = ()

    def __init__(self, item_id: str, output_index: int, events: EventWriter) -> None:
        super().__init__(item_id, output_index, events)
        self._place += b',"content_index":0'

    def _begin_part(self, part: bytes, delta_event: str, others: bytes) -> Sequence[bytes]:
        self._events.emit("response.content_part.added", b'%b,"part":%b' % (self._place, part))
        self._pieces = self._events.delta_pieces(delta_event, self._place, others)
        return self._pieces

    def _end_part(self, part: bytes, done_event: str, text: bytes, others: bytes) -> None:
        self._events.emit(done_event, b'%b,"text":%b%b' % (self._place, text, others))
        self._events.emit("response.content_part.done", b'%b,"part":%b' % (self._place, part))


class _Reasoning(_TextItem):
    __slots__ = ("_is_encrypted",)

    def __init__(
        self, ids: ItemIds, output_index: int, events: EventWriter, *, is_encrypted: bool
    ) -> None:
        super().__init__(ids.with_prefix("rs"), output_index, events)
        self._is_encrypted = is_encrypted

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item(b"", b"null", "in_progress"))
        return self._begin_part(_reasoning_part(b'""'), "response.reasoning_text.delta", b"")

    def end(self, text: str, status: str) -> bytes:
        written = quoted(text)
        part = _reasoning_part(written)
        self._end_part(part, "response.reasoning_text.done", written, b"")
        packed = quoted(pack_reasoning(text)) if self._is_encrypted else b"null"
        return self._emit_done(self._item(part, packed, status))

    def _item(self, content: bytes, encrypted: bytes, status: str) -> bytes:
        return (
            b'{"id":%b,"type":"reasoning","summary":[],"content":[%b],"encrypted_content":%b,'
            b'"status":%b}' % (self._id, content, encrypted, quoted(status))
        )


class _Message(_TextItem):
    __slots__ = ("_logprobs", "_phase")

    def __init__(self, ids: ItemIds, output_index: int, events: EventWriter, phase: str) -> None:
        super().__init__(ids.with_prefix("msg"), output_index, events)
        self._phase = phase
        self._logprobs: list[LogprobEntry] = []

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item(b"", "in_progress"))
        part = _text_part(b'""', b"[]")
        return self._begin_part(part, "response.output_text.delta", b',"logprobs":[]')

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        if not logprobs:
            super().add(text, logprobs)
            return
        self._logprobs += logprobs
        members = (self._place, quoted(text), _event_logprobs(logprobs))
        self._events.emit("response.output_text.delta", b'%b,"delta":%b,"logprobs":%b' % members)

    def end(self, text: str, status: str) -> bytes:
        written = quoted(text)
        part = _text_part(written, dump([entry.for_item() for entry in self._logprobs]))
        others = b',"logprobs":' + _event_logprobs(self._logprobs)
        self._end_part(part, "response.output_text.done", written, others)
        return self._emit_done(self._item(part, status))

    def _item(self, content: bytes, status: str) -> bytes:
        return (
            b'{"id":%b,"type":"message","role":"assistant","status":%b,"phase":%b,"content":[%b]}'
            % (self._id, quoted(status), quoted(self._phase), content)
        )


class _Call(_Item):
    """A call of a tool."""

    __slots__ = ("_head",)

    def __init__(
        self,
        kind: str,
        prefix: str,
        message: MessageClass,
        ids: ItemIds,
        output_index: int,
        events: EventWriter,
    ) -> None:
        super().__init__(ids.with_prefix(prefix), output_index, events)
        tool = message.tool
        namespace = b""
        if tool is not None and tool.namespace is not None:
            namespace = b',"namespace":' + quoted(tool.namespace)
        self._head = b'{"id":%b,"type":%b,"call_id":%b,"name":%b%b' % (
            self._id,
            quoted(kind),
            quoted(ids.with_prefix("call")),
            quoted(message.name),
            namespace,
        )


class _FunctionCall(_Call):
    __slots__ = ()

    def __init__(
        self, message: MessageClass, ids: ItemIds, output_index: int, events: EventWriter
    ) -> None:
        super().__init__("function_call", "fc", message, ids, output_index, events)

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item(b'""', "in_progress"))
        event = "response.function_call_arguments.delta"
        self._pieces = self._events.delta_pieces(event, self._place, b"")
        return self._pieces

    def end(self, text: str, status: str) -> bytes:
        written = quoted(text)
        event = "response.function_call_arguments.done"
        self._events.emit(event, b'%b,"arguments":%b' % (self._place, written))
        return self._emit_done(self._item(written, status))

    def _item(self, arguments: bytes, status: str) -> bytes:
        return b'%b,"arguments":%b,"status":%b}' % (self._head, arguments, quoted(status))


class _CustomCall(_Call):
    """A call whose input comes whole: the JSON around it has to end first."""

    __slots__ = ()

    def __init__(
        self, message: MessageClass, ids: ItemIds, output_index: int, events: EventWriter
    ) -> None:
        super().__init__("custom_tool_call", "ctc", message, ids, output_index, events)

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item(b'""'))
        return ()

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Writes nothing yet."""

    def end(self, text: str, status: str) -> bytes:  # noqa: ARG002  # it has none
        found = custom_input(text)
        written = quoted(found)
        if found:
            event = "response.custom_tool_call_input.delta"
            self._events.emit(event, b'%b,"delta":%b' % (self._place, written))
        event = "response.custom_tool_call_input.done"
        self._events.emit(event, b'%b,"input":%b' % (self._place, written))
        return self._emit_done(self._item(written))

    def _item(self, written: bytes) -> bytes:
        return b'%b,"input":%b}' % (self._head, written)


def _reasoning_part(text: bytes) -> bytes:
    return b'{"type":"reasoning_text","text":%b}' % text


def _text_part(text: bytes, logprobs: bytes) -> bytes:
    return b'{"type":"output_text","text":%b,"annotations":[],"logprobs":%b}' % (text, logprobs)


def _event_logprobs(logprobs: Sequence[LogprobEntry]) -> bytes:
    return dump([entry.for_event() for entry in logprobs])
