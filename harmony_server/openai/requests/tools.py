"""The tools that a request declares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ... import core
from ..answer_context import DeclaredTool, ToolKind
from ..notices import NoticeReason
from ..render_policy import NamespaceTools, RenderPolicy, Unsupported
from ..request_errors import BodyErrorReason
from .bounds import MAX_TOOLS
from .custom_tools import CUSTOM_PARAMETERS, custom_description
from .fields import Field
from .notice_log import NoticeLog
from .schemas import read_schema
from .tool_names import ClientName, RenderedName, ToolNames, flattened, read_name, read_namespace

_FUNCTION_MEMBERS: Final = frozenset({"name", "description", "parameters", "strict"})
_CUSTOM_MEMBERS: Final = frozenset({"type", "name", "description", "format"})
_NAMESPACE_MEMBERS: Final = frozenset({"type", "name", "description", "tools"})


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of a request.

    Attributes:
        kind: What it is to the client.
        client_name: Its name to the client, without a prefix `functions.`.
        written_name: Its name as the client wrote it.
        description: Its description; empty if there is none.
        parameters: The JSON Schema of its parameters, or None.
        strict: Whether the client wants calls to match the schema.
        namespace_description: That of the namespace that has it, or None.
    """

    kind: ToolKind
    client_name: ClientName
    written_name: str
    description: str
    parameters: Mapping[str, Any] | None = field(compare=False)
    strict: bool
    namespace_description: str | None


class Tools:
    """The tools of a request, in its order, with their names in the prompt.

    Attributes:
        all: The tools.
        names: The names of these tools, and of those in the history.
    """

    def __init__(self, tools: Sequence[Tool], policy: RenderPolicy) -> None:
        self.all = tuple(tools)
        self.names = ToolNames((tool.client_name for tool in tools), policy.namespace_tools)
        self._flattens = policy.namespace_tools is NamespaceTools.FLATTEN

    def rendered_name(self, tool: Tool) -> RenderedName:
        """Returns the name of a tool in the prompt."""
        return self.names.rendered(tool.client_name)

    def declare(self, tools: Iterable[Tool]) -> tuple[DeclaredTool, ...]:
        """Returns what an answer has to know of these tools."""
        return tuple(
            DeclaredTool(
                tool.kind, *self.rendered_name(tool), tool.written_name, tool.client_name.namespace
            )
            for tool in tools
        )

    def describe(self, tools: Iterable[Tool]) -> dict[str, core.ToolNamespaceConfig]:
        """Returns the namespaces of the prompt that have these tools."""
        namespaces: dict[str, core.ToolNamespaceConfig] = {}
        described: set[str | None] = set()
        for tool in tools:
            rendered = self.rendered_name(tool)
            namespace = namespaces.get(rendered.namespace)
            if namespace is None:
                description = None if self._flattens else tool.namespace_description
                namespace = core.ToolNamespaceConfig(
                    name=rendered.namespace, description=description, tools=[]
                )
                namespaces[rendered.namespace] = namespace
            descriptions = [tool.description]
            # Flattened, the namespace's stands above the first of its tools.
            if self._flattens and tool.client_name.namespace not in described:
                described.add(tool.client_name.namespace)
                descriptions.insert(0, tool.namespace_description or "")
            namespace.tools.append(
                core.ToolDescription(
                    name=rendered.name,
                    description="\n".join(filter(None, descriptions)),
                    parameters=None if tool.parameters is None else dict(tool.parameters),
                )
            )
        return namespaces


def read_chat_tools(body: Field, policy: RenderPolicy, notices: NoticeLog) -> Tools:
    """Reads `tools`, or the legacy `functions`, of a chat completion."""
    reader = _ToolReader(policy, notices)
    functions = body.member("functions")
    if not functions.is_missing and not body.member("tools").is_missing:
        raise functions.invalid("excludes tools")
    for function in functions.optional_elements():
        reader.add_function(function, function)
    for tool in body.member("tools").optional_elements():
        if tool.member("type").text() == "function":
            reader.add_function(tool, tool.member("function"))
        else:
            reader.leave_out(tool)
    if not body.member("web_search_options").is_missing:
        reader.leave_out(body.member("web_search_options"))
    return reader.close()


def read_response_tools(body: Field, policy: RenderPolicy, notices: NoticeLog) -> Tools:
    """Reads `tools` of a model response."""
    reader = _ToolReader(policy, notices)
    for tool in body.member("tools").optional_elements():
        if tool.member("type").text() != "namespace":
            reader.add_flat(tool)
            continue
        reader.add_namespace(tool)
    return reader.close()


class _ToolReader:
    def __init__(self, policy: RenderPolicy, notices: NoticeLog) -> None:
        self._policy = policy
        self._notices = notices
        self._tools: list[Tool] = []
        self._names: set[ClientName] = set()
        self._namespaces: set[str] = set()

    def close(self) -> Tools:
        return Tools(self._tools, self._policy)

    def leave_out(self, tool: Field) -> None:
        if self._policy.unsupported_tools is Unsupported.REJECT:
            raise tool.invalid(
                "is a tool that cannot be rendered", reason=BodyErrorReason.UNSUPPORTED_TOOL
            )
        self._notices.add(NoticeReason.TOOL_IGNORED, tool, "is a tool that cannot be rendered")

    def add_namespace(self, tool: Field) -> None:
        """Adds the tools of a namespace."""
        self._notices.add_ignored_members(tool, _NAMESPACE_MEMBERS)
        namespace = read_namespace(tool.member("name"))
        if namespace in self._namespaces:
            raise tool.member("name").invalid("is the name of another namespace")
        self._namespaces.add(namespace)
        description = tool.member("description").optional_text()
        tools = tool.member("tools").elements()
        if not tools:
            self._notices.add(NoticeReason.TOOL_IGNORED, tool, "has no tools")
        for inner in tools:
            self.add_flat(inner, namespace, description)

    def add_flat(
        self, tool: Field, namespace: str | None = None, namespace_description: str | None = None
    ) -> None:
        """Adds a tool whose name stands beside its type."""
        kind = tool.member("type").text()
        if kind == "function":
            self.add_function(tool, tool, namespace, namespace_description)
        elif kind == "custom":
            self._add_custom(tool, namespace, namespace_description)
        else:
            self.leave_out(tool)

    def add_function(
        self,
        tool: Field,
        function: Field,
        namespace: str | None = None,
        namespace_description: str | None = None,
    ) -> None:
        """Adds a function, which stands in a tool or is one."""
        known = _FUNCTION_MEMBERS | ({"type"} if function is tool else set())
        self._notices.add_ignored_members(function, known)
        if function is not tool:
            self._notices.add_ignored_members(tool, frozenset({"type", "function"}))
        parameters = function.member("parameters")
        strict = function.member("strict")
        is_strict = strict.optional_flag() is True
        if is_strict:
            self._notices.add(
                NoticeReason.NOT_ENFORCED, strict, "is a hint; only the engine can guarantee it"
            )
        self._add(
            function,
            Tool(
                ToolKind.FUNCTION,
                ClientName(namespace, read_name(function.member("name"))),
                function.member("name").text(),
                function.member("description").optional_text() or "",
                None if parameters.is_missing else read_schema(parameters),
                is_strict,
                namespace_description,
            ),
        )

    def _add_custom(
        self, tool: Field, namespace: str | None, namespace_description: str | None
    ) -> None:
        self._notices.add_ignored_members(tool, _CUSTOM_MEMBERS)
        self._add(
            tool,
            Tool(
                ToolKind.CUSTOM,
                ClientName(namespace, read_name(tool.member("name"))),
                tool.member("name").text(),
                custom_description(tool),
                CUSTOM_PARAMETERS,
                False,
                namespace_description,
            ),
        )

    def _add(self, source: Field, tool: Tool) -> None:
        name = tool.client_name
        if self._policy.namespace_tools is NamespaceTools.FLATTEN:
            name = flattened(name)
        if name in self._names:
            raise source.member("name").invalid("is the name of another tool")
        self._names.add(name)
        if len(self._tools) == MAX_TOOLS:
            raise source.too_large("MAX_TOOLS", MAX_TOOLS, "array_above_max_length")
        self._tools.append(tool)
