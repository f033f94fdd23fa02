"""The items of a response: what each is in the events, and in the output."""

from collections.abc import Sequence
from typing import Any, Protocol

from .custom_input import custom_input
from .encrypted_content import pack_reasoning
from .ids import ItemIds
from .logprobs import LogprobEntry
from .message_kind import MessageClass, MessageKind
from .response_events import EventWriter, JsonObject


class OutputItem(Protocol):
    """One item while it is written."""

    def begin(self) -> Sequence[bytes]:
        """Writes the events before the text; returns the pieces of the text's events."""

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Writes more text."""

    def end(self, text: str, status: str) -> JsonObject:
        """Writes the events behind the text, and returns the finished item."""


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

    __slots__ = ("_events", "_id", "_output_index", "_pieces")

    def __init__(self, item_id: str, output_index: int, events: EventWriter) -> None:
        self._id = item_id
        self._output_index = output_index
        self._events = events
        self._pieces: Sequence[bytes] = ()

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:  # noqa: ARG002  # of content
        self._events.write_delta(text, self._pieces)

    def _place(self) -> JsonObject:
        return {"item_id": self._id, "output_index": self._output_index}

    def _emit_added(self, item: JsonObject) -> None:
        members = {"output_index": self._output_index, "item": item}
        self._events.emit("response.output_item.added", members)

    def _emit_done(self, item: JsonObject) -> JsonObject:
        members = {"output_index": self._output_index, "item": item}
        self._events.emit("response.output_item.done", members)
        return item


class _TextItem(_Item):
    """An item with one part of content."""

    __slots__ = ()

    def _place(self) -> JsonObject:
        return super()._place() | {"content_index": 0}

    def _begin_part(
        self, part: JsonObject, delta_event: str, others: JsonObject
    ) -> Sequence[bytes]:
        self._events.emit("response.content_part.added", self._place() | {"part": part})
        self._pieces = self._events.delta_pieces(delta_event, self._place(), others)
        return self._pieces

    def _end_part(self, part: JsonObject, done_event: str, others: JsonObject) -> None:
        members = self._place() | {"text": part["text"]} | others
        self._events.emit(done_event, members)
        self._events.emit("response.content_part.done", self._place() | {"part": part})


class _Reasoning(_TextItem):
    __slots__ = ("_is_encrypted",)

    def __init__(
        self, ids: ItemIds, output_index: int, events: EventWriter, *, is_encrypted: bool
    ) -> None:
        super().__init__(ids.with_prefix("rs"), output_index, events)
        self._is_encrypted = is_encrypted

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item([], "in_progress"))
        return self._begin_part(_reasoning_part(""), "response.reasoning_text.delta", {})

    def end(self, text: str, status: str) -> JsonObject:
        part = _reasoning_part(text)
        self._end_part(part, "response.reasoning_text.done", {})
        item = self._item([part], status)
        if self._is_encrypted:
            item["encrypted_content"] = pack_reasoning(text)
        return self._emit_done(item)

    def _item(self, content: list[JsonObject], status: str) -> JsonObject:
        return {
            "id": self._id,
            "type": "reasoning",
            "summary": [],
            "content": content,
            "encrypted_content": None,
            "status": status,
        }


class _Message(_TextItem):
    __slots__ = ("_logprobs", "_phase")

    def __init__(self, ids: ItemIds, output_index: int, events: EventWriter, phase: str) -> None:
        super().__init__(ids.with_prefix("msg"), output_index, events)
        self._phase = phase
        self._logprobs: list[LogprobEntry] = []

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item([], "in_progress"))
        part = _text_part("", [])
        return self._begin_part(part, "response.output_text.delta", {"logprobs": []})

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        if not logprobs:
            super().add(text, logprobs)
            return
        self._logprobs += logprobs
        entries = [entry.for_event() for entry in logprobs]
        members = self._place() | {"delta": text, "logprobs": entries}
        self._events.emit("response.output_text.delta", members)

    def end(self, text: str, status: str) -> JsonObject:
        part = _text_part(text, [entry.for_item() for entry in self._logprobs])
        others = {"logprobs": [entry.for_event() for entry in self._logprobs]}
        self._end_part(part, "response.output_text.done", others)
        return self._emit_done(self._item([part], status))

    def _item(self, content: list[JsonObject], status: str) -> JsonObject:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "phase": self._phase,
            "content": content,
        }


class _Call(_Item):
    """A call of a tool."""

    __slots__ = ("_call_id", "_message")

    prefix: str

    def __init__(
        self, message: MessageClass, ids: ItemIds, output_index: int, events: EventWriter
    ) -> None:
        super().__init__(ids.with_prefix(self.prefix), output_index, events)
        self._message = message
        self._call_id = ids.with_prefix("call")

    def _item(self, kind: str, others: dict[str, Any]) -> JsonObject:
        item = {"id": self._id, "type": kind, "call_id": self._call_id, "name": self._message.name}
        tool = self._message.tool
        if tool is not None and tool.namespace is not None:
            item["namespace"] = tool.namespace
        return item | others


class _FunctionCall(_Call):
    __slots__ = ()

    prefix = "fc"

    def begin(self) -> Sequence[bytes]:
        members = {"arguments": "", "status": "in_progress"}
        self._emit_added(self._item("function_call", members))
        event = "response.function_call_arguments.delta"
        self._pieces = self._events.delta_pieces(event, self._place(), {})
        return self._pieces

    def end(self, text: str, status: str) -> JsonObject:
        event = "response.function_call_arguments.done"
        self._events.emit(event, self._place() | {"arguments": text})
        return self._emit_done(self._item("function_call", {"arguments": text, "status": status}))


class _CustomCall(_Call):
    """A call whose input comes whole: the JSON around it has to end first."""

    __slots__ = ()

    prefix = "ctc"

    def begin(self) -> Sequence[bytes]:
        self._emit_added(self._item("custom_tool_call", {"input": ""}))
        return ()

    def add(self, text: str, logprobs: Sequence[LogprobEntry]) -> None:
        """Writes nothing yet."""

    def end(self, text: str, status: str) -> JsonObject:  # noqa: ARG002  # it has none
        written = custom_input(text)
        if written:
            event = "response.custom_tool_call_input.delta"
            self._events.emit(event, self._place() | {"delta": written})
        event = "response.custom_tool_call_input.done"
        self._events.emit(event, self._place() | {"input": written})
        return self._emit_done(self._item("custom_tool_call", {"input": written}))


def _reasoning_part(text: str) -> JsonObject:
    return {"type": "reasoning_text", "text": text}


def _text_part(text: str, logprobs: list[JsonObject]) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
