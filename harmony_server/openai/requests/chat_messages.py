"""`messages` of a chat completion."""

import re
from typing import Final

from ..notices import NoticeReason
from ..request_errors import BodyErrorReason
from .custom_tools import custom_arguments
from .fields import Field, Json
from .notice_log import NoticeLog
from .texts import CHAT_PARTS, read_text
from .tool_names import ClientName, ToolNames, read_name
from .transcript import Transcript

_REASONING: Final = ("reasoning", "reasoning_content", "thinking")
_KNOWN_MEMBERS: Final = {
    "system": frozenset({"role", "content", "name"}),
    "developer": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset(
        {"role", "content", "name", "refusal", "audio", "tool_calls", "function_call", *_REASONING}
    ),
    "tool": frozenset({"role", "content", "name", "tool_call_id"}),
    "function": frozenset({"role", "content", "name"}),
}
_USUAL_USER: Final = frozenset({"role", "content"})
_USUAL_TOOL: Final = frozenset({"role", "content", "tool_call_id"})
_USUAL_ASSISTANT: Final = frozenset({"role", "content", "reasoning", "tool_calls"})
_USUAL_NAME: Final = re.compile(r"(?!functions\.)[A-Za-z0-9_-]{1,64}")
_CALL_MEMBERS: Final = frozenset({"id", "type", "index", "function", "custom"})


def read_messages(
    messages: Field, transcript: Transcript, names: ToolNames, notices: NoticeLog
) -> None:
    """Adds the messages of a chat completion to a transcript.

    Raises:
        RequestBodyError: A message that cannot be rendered.
    """
    if messages.value == []:
        raise messages.invalid("must not be empty", code="empty_array")
    if not isinstance(messages.value, list):
        messages.elements()
    reader = _MessageReader(transcript, names, notices)
    for index, message in enumerate(messages.value):
        if not reader.read_usual(message):
            reader.read(Field(message, messages, index))


class _MessageReader:
    def __init__(self, transcript: Transcript, names: ToolNames, notices: NoticeLog) -> None:
        self._transcript = transcript
        self._names = names
        self._notices = notices

    def read_usual(self, message: Json) -> bool:
        """Reads a message of the shape that nearly all have, as `read` would, and faster.

        Returns whether it did; otherwise nothing has changed.
        """
        if not isinstance(message, dict):
            return False
        content = message.get("content")
        match message.get("role"):
            case "user" if message.keys() <= _USUAL_USER and type(content) is str:
                self._transcript.end_instructions()
                self._transcript.add_user(content)
                return True
            case "tool" if message.keys() <= _USUAL_TOOL and type(content) is str:
                call_id = message.get("tool_call_id")
                called = self._transcript.called_name(call_id) if type(call_id) is str else None
                if called is not None:
                    self._transcript.end_instructions()
                    self._transcript.add_result(called, content)
                return called is not None
            case "assistant" if message.keys() <= _USUAL_ASSISTANT:
                return self._read_usual_assistant(message, content or "")
        return False

    def _read_usual_assistant(self, message: dict[str, Json], content: Json) -> bool:
        reasoning = message.get("reasoning") or ""
        calls = message.get("tool_calls") or ()
        if type(reasoning) is not str or type(content) is not str:
            return False
        if not (reasoning or content) or not all(map(_is_usual_call, calls)):
            return False
        transcript = self._transcript
        transcript.end_instructions()
        if reasoning:
            transcript.add_reasoning(reasoning)
        if content and calls:
            transcript.add_preamble(content)
        elif content:
            transcript.add_final(content)
        for call in calls:
            function = call["function"]
            name = ClientName(None, function["name"])
            arguments = function["arguments"] or "{}"
            transcript.add_call(call["id"], self._names.rendered(name).recipient, arguments)
        return True

    def read(self, message: Field) -> None:
        """Reads any message."""
        role = message.text_of("role")
        if role is None:
            raise message.member("role").required()
        known = _KNOWN_MEMBERS.get(role)
        if known is None:
            raise message.member("role").invalid(f"must be {', '.join(_KNOWN_MEMBERS)}")
        self._notices.add_ignored_members(message, known)
        if role in ("system", "developer"):
            self._ignore_name(message)
            self._transcript.add_instructions(self._text(message))
            return
        self._transcript.end_instructions()
        match role:
            case "user":
                self._ignore_name(message)
                self._transcript.add_user(self._text(message))
            case "assistant":
                self._ignore_name(message)
                self._read_assistant(message)
            case "tool":
                self._transcript.add_result(self._called_name(message), self._text(message))
            case "function":
                self._transcript.add_result(
                    self._recipient(message.member("name")), self._text(message)
                )

    def _text(self, message: Field) -> str:
        return read_text(message.member("content"), CHAT_PARTS, self._notices)

    def _ignore_name(self, message: Field) -> None:
        if message.text_of("name"):
            self._notices.add(
                NoticeReason.PARAMETER_IGNORED, message.member("name"), "is not rendered"
            )

    def _read_assistant(self, message: Field) -> None:
        if message.has("audio"):
            raise message.member("audio").invalid(
                "cannot be rendered: only text can", reason=BodyErrorReason.UNSUPPORTED_CONTENT
            )
        reasoning = next(filter(None, map(message.text_of, _REASONING)), "")
        content = self._assistant_text(message)
        calls = message.member("tool_calls").elements() if message.has("tool_calls") else []
        has_legacy_call = message.has("function_call")
        has_calls = bool(calls) or has_legacy_call
        if reasoning:
            self._transcript.add_reasoning(reasoning)
        if content and has_calls:
            self._transcript.add_preamble(content)
        elif content:
            self._transcript.add_final(content)
        for call in calls:
            self._read_call(call)
        if has_legacy_call:
            self._add_function_call(None, message.member("function_call"))
        if not (reasoning or content or has_calls):
            self._notices.add(NoticeReason.ITEM_IGNORED, message, "says nothing")

    def _assistant_text(self, message: Field) -> str:
        refusal = message.text_of("refusal")
        if not message.has("content"):
            return refusal or ""
        if refusal:
            self._notices.add(
                NoticeReason.PARAMETER_IGNORED,
                message.member("refusal"),
                "is not rendered beside content",
            )
        return self._text(message)

    def _read_call(self, call: Field) -> None:
        self._notices.add_ignored_members(call, _CALL_MEMBERS)
        call_id = call.text_of("id")
        match call.text_of("type"):
            case "function" | None:
                self._add_function_call(call_id, call.member("function"))
            case "custom":
                custom = call.member("custom")
                recipient = self._recipient(custom.member("name"))
                arguments = custom_arguments(custom.member("input").text())
                self._transcript.add_call(call_id, recipient, arguments)
            case _:
                raise call.member("type").invalid("must be function or custom")

    def _add_function_call(self, call_id: str | None, function: Field) -> None:
        arguments = function.text_of("arguments") or "{}"
        recipient = self._recipient(function.member("name"))
        self._transcript.add_call(call_id, recipient, arguments)

    def _recipient(self, name: Field) -> str:
        return self._names.rendered(ClientName(None, read_name(name))).recipient

    def _called_name(self, message: Field) -> str:
        called = self._transcript.called_name(message.text_of("tool_call_id") or "")
        if called is not None:
            return called
        if message.text_of("name"):
            return self._recipient(message.member("name"))
        raise message.member("tool_call_id").invalid(
            "must be the id of an earlier call, or the message must have a name",
            reason=BodyErrorReason.UNKNOWN_CALL_ID,
        )


def _is_usual_call(call: Json) -> bool:
    """Returns whether a call is of a function, and has what all have and nothing else."""
    if not isinstance(call, dict) or call.keys() != {"id", "type", "function"}:
        return False
    function = call["function"]
    return (
        type(call["id"]) is str
        and call["type"] == "function"
        and isinstance(function, dict)
        and function.keys() == {"name", "arguments"}
        and type(function["name"]) is str
        and type(function["arguments"]) is str
        and _USUAL_NAME.fullmatch(function["name"]) is not None
    )
