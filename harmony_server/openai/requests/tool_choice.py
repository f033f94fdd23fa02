"""`tool_choice`: which tools are rendered, and which of them must be called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..answer_context import ToolKind
from ..notices import NoticeReason
from ..request_errors import BodyErrorReason
from .fields import Field
from .notice_log import NoticeLog
from .tool_names import ClientName, read_name, read_optional_namespace
from .tools import Tool, Tools

_KINDS: Final[Mapping[str, ToolKind]] = {
    "function": ToolKind.FUNCTION,
    "custom": ToolKind.CUSTOM,
}
_NOT_A_TOOL: Final = "must be a tool of the request"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """What a request says about calls.

    Attributes:
        rendered: The tools that the model sees.
        forced: The tools of which it must call one; none if it may answer without a call.
        field: Where the request says so.
    """

    rendered: tuple[Tool, ...]
    forced: tuple[Tool, ...]
    field: Field


class ToolChoiceReader:
    """Reads the forms of one API.

    Args:
        tools: The tools of the request.
        notices: For tools that are left out.
        nests: Whether the name of a tool stands in a member that is called as its type, as in chat
            completions.
    """

    def __init__(self, tools: Tools, notices: NoticeLog, *, nests: bool) -> None:
        self._tools = tools
        self._notices = notices
        self._nests = nests
        self._by_name = {(tool.kind, tool.client_name): tool for tool in tools.all}
        self._namespaced: dict[tuple[ToolKind, str], list[Tool]] = {}
        for tool in tools.all:
            key = (tool.kind, tool.client_name.name)
            self._namespaced.setdefault(key, []).append(tool)

    def read(self, field: Field) -> ToolChoice:
        """Reads `tool_choice`.

        Raises:
            RequestBodyError: It is of no known form, or names a tool that is not there.
        """
        every = self._tools.all
        if field.is_missing:
            return ToolChoice(every, (), field)
        if isinstance(field.value, str):
            return self._mode(field, field, every)
        kind = field.member("type")
        if kind.text() == "allowed_tools":
            allowed = field.member("allowed_tools") if self._nests else field
            chosen = self._allowed(allowed.member("tools"))
            return self._mode(allowed.member("mode"), field, chosen)
        if kind.value not in _KINDS:
            raise kind.invalid(_NOT_A_TOOL, reason=BodyErrorReason.UNKNOWN_TOOL)
        return ToolChoice(every, (self._find(field),), field)

    def read_legacy(self, field: Field) -> ToolChoice:
        """Reads `function_call`: a mode, or an object with the name of a function."""
        every = self._tools.all
        if field.is_missing or isinstance(field.value, str):
            return self.read(field)
        return ToolChoice(every, (self._named(ToolKind.FUNCTION, field, field),), field)

    def _mode(self, mode: Field, field: Field, tools: Sequence[Tool]) -> ToolChoice:
        match mode.text():
            case "none":
                return ToolChoice((), (), field)
            case "auto":
                return ToolChoice(tuple(tools), (), field)
            case "required":
                if not tools:
                    raise field.invalid("requires a call, but there is no tool that can be called")
                return ToolChoice(tuple(tools), tuple(tools), field)
        raise mode.invalid("must be none, auto, required or an object")

    def _allowed(self, field: Field) -> list[Tool]:
        chosen: set[Tool] = set()
        for entry in field.elements():
            if entry.member("type").text() in _KINDS:
                chosen.add(self._find(entry))
            else:
                self._notices.add(
                    NoticeReason.TOOL_IGNORED, entry, "is a tool that cannot be rendered"
                )
        return [tool for tool in self._tools.all if tool in chosen]

    def _find(self, field: Field) -> Tool:
        kind = field.member("type").text()
        return self._named(_KINDS[kind], field.member(kind) if self._nests else field, field)

    def _named(self, kind: ToolKind, named: Field, field: Field) -> Tool:
        name = named.member("name")
        client_name = ClientName(
            read_optional_namespace(named.member("namespace")), read_name(name)
        )
        found = self._by_name.get((kind, client_name))
        if found is None and client_name.namespace is None:
            candidates = self._namespaced.get((kind, client_name.name), [])
            found = candidates[0] if len(candidates) == 1 else None
        if found is None:
            raise field.invalid(_NOT_A_TOOL, reason=BodyErrorReason.UNKNOWN_TOOL)
        return found
