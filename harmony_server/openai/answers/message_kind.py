"""What a message of the model is to the client: reasoning, content or a call."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from ...core import Role
from ...core.events import Header
from ..answer_context import AnswerContext, DeclaredTool, ToolKind

_ANALYSIS = "analysis"
_COMMENTARY = "commentary"
_FUNCTIONS_PREFIX = "functions."
# Not called: a message to one of them is content.
_READERS = frozenset({"assistant", "user", "all"})


class MessageKind(Enum):
    """What a message is to the client."""

    REASONING = auto()
    PREAMBLE = auto()
    """Content before the calls that it announces."""
    CONTENT = auto()
    CALL = auto()

    @property
    def is_content(self) -> bool:
        """Whether the text is the answer's content."""
        return self is MessageKind.PREAMBLE or self is MessageKind.CONTENT


@dataclass(frozen=True, slots=True)
class MessageClass:
    """A message as the client is to see it.

    Attributes:
        kind: What it is.
        tool: The tool that it calls; None if it calls none, or one that the request does not have.
        name: The name of what it calls, to the client; empty if it calls nothing.
        is_undeclared: Whether it is for a tool that the request does not have.
    """

    kind: MessageKind
    tool: DeclaredTool | None = None
    name: str = ""
    is_undeclared: bool = False

    @property
    def is_custom(self) -> bool:
        """Whether it calls a custom tool."""
        return self.tool is not None and self.tool.kind is ToolKind.CUSTOM


class Classifier:
    """Classifies messages by their headers; the content type decides nothing.

    Args:
        context: What the request declares.

    Attributes:
        callable_names: The recipients of the declared tools, which help the parser.
    """

    def __init__(self, context: AnswerContext) -> None:
        self._json_content = context.json_content
        self._tools = _by_recipient(context.tools)
        self.callable_names = tuple(map(_recipient, context.tools))

    def classify(self, header: Header) -> MessageClass:
        """Returns what a message with this header is."""
        if header.role is not Role.ASSISTANT:
            # A made-up result of a tool, or turn of the user.
            return MessageClass(MessageKind.REASONING)
        recipient = header.recipient
        if not recipient or recipient in _READERS:
            return MessageClass(self._kind_by_channel(header.channel))
        tool = self._tools.get(recipient)
        if tool is not None:
            return MessageClass(MessageKind.CALL, tool, tool.name)
        if not self._tools:
            return MessageClass(self._kind_by_channel(header.channel), is_undeclared=True)
        name = recipient.removeprefix(_FUNCTIONS_PREFIX) or recipient
        return MessageClass(MessageKind.CALL, name=name, is_undeclared=True)

    def _kind_by_channel(self, channel: str | None) -> MessageKind:
        if channel == _ANALYSIS:
            return MessageKind.REASONING
        if channel == _COMMENTARY:
            return MessageKind.REASONING if self._json_content else MessageKind.PREAMBLE
        return MessageKind.CONTENT


def _recipient(tool: DeclaredTool) -> str:
    return f"{tool.rendered_namespace}.{tool.rendered_name}"


def _by_recipient(tools: tuple[DeclaredTool, ...]) -> dict[str, DeclaredTool]:
    """Returns the tool of each recipient: first as rendered, then in forms that are unambiguous."""
    found = {_recipient(tool): tool for tool in tools}
    others: dict[str, DeclaredTool | None] = {}
    for tool in tools:
        for form in _other_forms(tool):
            others[form] = None if others.get(form, tool) is not tool else tool
    for form, only in others.items():
        if only is not None:
            found.setdefault(form, only)
    return found


def _other_forms(tool: DeclaredTool) -> Iterable[str]:
    """Yields what models write besides the rendered recipient."""
    names = {tool.rendered_name, tool.name}
    if tool.namespace is not None:
        names |= {f"{tool.namespace}.{tool.name}", f"{tool.namespace}__{tool.name}"}
    for name in names:
        yield name
        yield f"{_FUNCTIONS_PREFIX}{name}"
