"""Items of the Responses API: the input of a model response, and its history."""

from collections.abc import Sequence
from typing import Final

from ..encrypted_content import unpack_reasoning
from ..notices import NoticeReason
from ..request_errors import BodyErrorReason
from .bounds import MAX_TOTAL_UNPACKED_BYTES, MAX_UNPACKED_BYTES
from .custom_tools import custom_arguments
from .fields import Field
from .notice_log import NoticeLog
from .texts import ITEM_PARTS, read_text
from .tool_names import ClientName, ToolNames, read_name, read_optional_namespace
from .transcript import Transcript

MESSAGE: Final = "message"
_CALLS: Final = ("function_call", "custom_tool_call")
# Complete records of tools that ran elsewhere.
SKIPPED_TYPES: Final = frozenset(
    {
        "additional_tools",
        "code_interpreter_call",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
# Halves of a dialogue with the client, and cipher texts of another provider.
REFUSED_TYPES: Final = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
    }
)
_REASONING_PARTS: Final = {"reasoning_text": "text", "text": "text"}
_SUMMARY_PARTS: Final = {"summary_text": "text", "text": "text"}
_COMMON: Final = frozenset({"type", "id", "status"})
_MEMBERS: Final = {
    MESSAGE: _COMMON | {"role", "content", "phase"},
    "reasoning": _COMMON | {"content", "encrypted_content", "summary"},
    "function_call": _COMMON | {"call_id", "name", "namespace", "arguments"},
    "function_call_output": _COMMON | {"call_id", "output"},
    "custom_tool_call": _COMMON | {"call_id", "name", "namespace", "input"},
    "custom_tool_call_output": _COMMON | {"call_id", "output"},
}
RENDERED_TYPES: Final = frozenset(_MEMBERS)


def item_type(item: Field) -> str:
    """Returns the type of an item; without one it is a message."""
    return item.member("type").optional_text() or MESSAGE


def read_items(
    items: Sequence[Field], transcript: Transcript, names: ToolNames, notices: NoticeLog
) -> None:
    """Adds items, whose references are resolved, to a transcript.

    Raises:
        RequestBodyError: An item that cannot be rendered.
    """
    reader = _ItemReader(transcript, names, notices)
    for item, is_before_call in zip(items, _find_before_calls(items), strict=True):
        reader.read(item, is_before_call)


def _find_before_calls(items: Sequence[Field]) -> list[bool]:
    """Returns for each item whether a call follows before a message of assistant or user."""
    found: list[bool] = []
    call_follows = False
    for item in reversed(items):
        found.append(call_follows)
        kind = item_type(item)
        if kind in _CALLS:
            call_follows = True
        elif kind == MESSAGE and item.member("role").value in ("assistant", "user"):
            call_follows = False
    found.reverse()
    return found


class _ItemReader:
    def __init__(self, transcript: Transcript, names: ToolNames, notices: NoticeLog) -> None:
        self._transcript = transcript
        self._names = names
        self._notices = notices
        self._unpacked_bytes = 0

    def read(self, item: Field, is_before_call: bool) -> None:
        kind = item_type(item)
        if kind == MESSAGE:
            self._notices.add_ignored_members(item, _MEMBERS[kind])
            self._read_message(item, is_before_call)
            return
        self._transcript.end_instructions()
        if kind in SKIPPED_TYPES:
            self._ignore(item, "is a record of a tool that ran elsewhere")
            return
        if kind in REFUSED_TYPES:
            raise item.member("type").invalid(
                "is of a kind that cannot be rendered", reason=BodyErrorReason.UNSUPPORTED_ITEM
            )
        if kind not in RENDERED_TYPES:
            raise item.member("type").invalid(
                "must be a type that is known here", reason=BodyErrorReason.UNSUPPORTED_ITEM
            )
        self._notices.add_ignored_members(item, _MEMBERS[kind])
        match kind:
            case "reasoning":
                self._read_reasoning(item)
            case "function_call":
                arguments = item.member("arguments").optional_text() or "{}"
                self._add_call(item, arguments)
            case "custom_tool_call":
                self._add_call(item, custom_arguments(item.member("input").text()))
            case "function_call_output" | "custom_tool_call_output":
                self._read_output(item)

    def _ignore(self, item: Field, text: str) -> None:
        self._notices.add(NoticeReason.ITEM_IGNORED, item, text)

    def _read_message(self, item: Field, is_before_call: bool) -> None:
        role = item.member("role")
        match role.text():
            case "system" | "developer":
                self._transcript.add_instructions(self._text(item.member("content")))
            case "user":
                self._transcript.end_instructions()
                self._transcript.add_user(self._text(item.member("content")))
            case "assistant":
                self._transcript.end_instructions()
                self._read_assistant(item, is_before_call)
            case _:
                raise role.invalid("must be system, developer, user or assistant")

    def _read_assistant(self, item: Field, is_before_call: bool) -> None:
        text = self._text(item.member("content"))
        phase = item.member("phase")
        match phase.optional_text():
            case None:
                is_preamble = is_before_call
            case "commentary":
                is_preamble = True
            case "final_answer":
                is_preamble = False
            case _:
                raise phase.invalid("must be commentary or final_answer")
        if not text:
            self._ignore(item, "says nothing")
        elif is_preamble:
            self._transcript.add_preamble(text)
        else:
            self._transcript.add_final(text)

    def _text(self, content: Field) -> str:
        return read_text(content, ITEM_PARTS, self._notices)

    def _read_reasoning(self, item: Field) -> None:
        content = item.member("content")
        text = ""
        if not content.is_missing:
            text = read_text(content, _REASONING_PARTS, self._notices)
        text = text or self._unpacked(item.member("encrypted_content"))
        text = text or "\n\n".join(
            filter(None, map(self._summary_text, item.member("summary").optional_elements()))
        )
        if text:
            self._transcript.add_reasoning(text)
        else:
            self._ignore(item, "has no reasoning that can be read")

    def _unpacked(self, encrypted: Field) -> str:
        packed = encrypted.optional_text()
        if not packed:
            return ""
        text = unpack_reasoning(packed, MAX_UNPACKED_BYTES)
        if text is None:
            self._notices.add(
                NoticeReason.PARAMETER_IGNORED, encrypted, "was not written by this layer"
            )
            return ""
        self._unpacked_bytes += len(text.encode())
        if self._unpacked_bytes > MAX_TOTAL_UNPACKED_BYTES:
            raise encrypted.too_large(
                "MAX_TOTAL_UNPACKED_BYTES", MAX_TOTAL_UNPACKED_BYTES, "string_above_max_length"
            )
        return text

    def _summary_text(self, part: Field) -> str:
        kind = part.member("type")
        if kind.text() not in _SUMMARY_PARTS:
            raise kind.invalid("must be summary_text", reason=BodyErrorReason.UNSUPPORTED_CONTENT)
        return part.member("text").text()

    def _add_call(self, item: Field, arguments: str) -> None:
        name = ClientName(
            read_optional_namespace(item.member("namespace")), read_name(item.member("name"))
        )
        recipient = self._names.rendered(name).recipient
        self._transcript.add_call(item.member("call_id").optional_text(), recipient, arguments)

    def _read_output(self, item: Field) -> None:
        call_id = item.member("call_id")
        author = self._transcript.called_name(call_id.text())
        if author is None:
            raise call_id.invalid(
                "must be the id of an earlier call", reason=BodyErrorReason.UNKNOWN_CALL_ID
            )
        self._transcript.add_result(author, self._text(item.member("output")))
