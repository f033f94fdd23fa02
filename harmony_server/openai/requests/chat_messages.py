"""`messages` of a chat completion."""

from typing import Final

from ..notices import NoticeReason
from ..request_errors import BodyErrorReason
from .custom_tools import custom_arguments
from .fields import Field
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
_CALL_MEMBERS: Final = frozenset({"id", "type", "index", "function", "custom"})


def read_messages(
    messages: Field, transcript: Transcript, names: ToolNames, notices: NoticeLog
) -> None:
    """Adds the messages of a chat completion to a transcript.

    Raises:
        RequestBodyError: A message that cannot be rendered.
    """
    elements = messages.elements()
    if not elements:
        raise messages.invalid("must not be empty", code="empty_array")
    reader = _MessageReader(transcript, names, notices)
    for message in elements:
        reader.read(message)


class _MessageReader:
    def __init__(self, transcript: Transcript, names: ToolNames, notices: NoticeLog) -> None:
        self._transcript = transcript
        self._names = names
        self._notices = notices

    def read(self, message: Field) -> None:
        role = message.member("role")
        known = _KNOWN_MEMBERS.get(role.text())
        if known is None:
            raise role.invalid(f"must be {', '.join(_KNOWN_MEMBERS)}")
        self._notices.add_ignored_members(message, known)
        if role.value in ("system", "developer"):
            self._ignore_name(message)
            self._transcript.add_instructions(self._text(message))
            return
        self._transcript.end_instructions()
        match role.value:
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
        if message.member("name").optional_text():
            self._notices.add(
                NoticeReason.PARAMETER_IGNORED, message.member("name"), "is not rendered"
            )

    def _read_assistant(self, message: Field) -> None:
        audio = message.member("audio")
        if not audio.is_missing:
            raise audio.invalid(
                "cannot be rendered: only text can", reason=BodyErrorReason.UNSUPPORTED_CONTENT
            )
        reasoning = next(filter(None, (message.member(n).optional_text() for n in _REASONING)), "")
        content = self._assistant_text(message)
        calls = message.member("tool_calls").optional_elements()
        legacy_call = message.member("function_call")
        has_calls = bool(calls) or not legacy_call.is_missing
        if reasoning:
            self._transcript.add_reasoning(reasoning)
        if content and has_calls:
            self._transcript.add_preamble(content)
        elif content:
            self._transcript.add_final(content)
        for call in calls:
            self._read_call(call)
        if not legacy_call.is_missing:
            self._add_function_call(None, legacy_call)
        if not (reasoning or content or has_calls):
            self._notices.add(NoticeReason.ITEM_IGNORED, message, "says nothing")

    def _assistant_text(self, message: Field) -> str:
        refusal = message.member("refusal")
        content = message.member("content")
        if content.is_missing:
            return refusal.optional_text() or ""
        if refusal.optional_text():
            self._notices.add(
                NoticeReason.PARAMETER_IGNORED, refusal, "is not rendered beside content"
            )
        return self._text(message)

    def _read_call(self, call: Field) -> None:
        self._notices.add_ignored_members(call, _CALL_MEMBERS)
        call_id = call.member("id").optional_text()
        kind = call.member("type")
        match kind.optional_text():
            case "function" | None:
                self._add_function_call(call_id, call.member("function"))
            case "custom":
                custom = call.member("custom")
                recipient = self._recipient(custom.member("name"))
                arguments = custom_arguments(custom.member("input").text())
                self._transcript.add_call(call_id, recipient, arguments)
            case _:
                raise kind.invalid("must be function or custom")

    def _add_function_call(self, call_id: str | None, function: Field) -> None:
        arguments = function.member("arguments").optional_text() or "{}"
        recipient = self._recipient(function.member("name"))
        self._transcript.add_call(call_id, recipient, arguments)

    def _recipient(self, name: Field) -> str:
        return self._names.rendered(ClientName(None, read_name(name))).recipient

    def _called_name(self, message: Field) -> str:
        call_id = message.member("tool_call_id")
        called = self._transcript.called_name(call_id.optional_text() or "")
        if called is not None:
            return called
        if message.member("name").optional_text():
            return self._recipient(message.member("name"))
        raise call_id.invalid(
            "must be the id of an earlier call, or the message must have a name",
            reason=BodyErrorReason.UNKNOWN_CALL_ID,
        )
