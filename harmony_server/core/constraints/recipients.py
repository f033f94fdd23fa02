"""The recipients that a conversation declares."""

from collections.abc import Iterator
from typing import NamedTuple

from ..chat import Conversation, DeveloperContent, SystemContent, ToolDescription
from ..errors import ConstraintError
from .options import Budget, NoticeReason
from .turn import is_builtin_namespace

_FUNCTIONS = "functions"


class Declaration(NamedTuple):
    """A recipient as declared.

    Attributes:
        recipient: The recipient, as a header writes it.
        tool: The tool, or None for a namespace without tools, which takes text.
        is_builtin: Whether the models are trained on its namespace.
        path: The path of the tool, or of the namespace.
    """

    recipient: str
    tool: ToolDescription | None
    is_builtin: bool
    path: str


def declared_recipients(conversation: Conversation, budget: Budget) -> dict[str, Declaration]:
    """Returns the recipients of a conversation, in the order of their first declaration.

    Of several declarations of a recipient the last counts; there is a notice for each of these.

    Raises:
        ConstraintError: A header cannot carry a name.
        ConstraintLimitError: There are too many.
    """
    declarations: dict[str, Declaration] = {}
    for declaration in _declarations(conversation):
        budget.spend_nodes()
        if declaration.recipient in declarations:
            budget.notify(NoticeReason.DUPLICATE_TOOL, declaration.path)
        declarations[declaration.recipient] = declaration
    return declarations


def _declarations(conversation: Conversation) -> Iterator[Declaration]:
    for message_index, message in enumerate(conversation.messages):
        for index, content in enumerate(message.content):
            path = f"conversation.messages[{message_index}].content[{index}]"
            if isinstance(content, SystemContent):
                path += ".system"
            elif isinstance(content, DeveloperContent):
                path += ".developer"
            else:
                continue
            yield from _declarations_of(content, path)


def _declarations_of(content: SystemContent | DeveloperContent, path: str) -> Iterator[Declaration]:
    for index, namespace in enumerate((content.tools or {}).values()):
        place = f"{path}.tools[{index}]"
        _check_name(namespace.name, place)
        is_builtin = is_builtin_namespace(namespace.name) and isinstance(content, SystemContent)
        # The prompt shows `functions` without tools as nothing that can be called.
        if not namespace.tools and namespace.name != _FUNCTIONS:
            yield Declaration(namespace.name, None, is_builtin, place)
        for tool_index, tool in enumerate(namespace.tools):
            tool_place = f"{place}.tools[{tool_index}]"
            _check_name(tool.name, tool_place)
            yield Declaration(f"{namespace.name}.{tool.name}", tool, is_builtin, tool_place)


def _check_name(name: str, path: str) -> None:
    if not name or any(map(_is_unfit, name)):
        raise ConstraintError(
            "must be a name that a header can carry: not empty, without white space, `<` and "
            "control characters",
            field=f"{path}.name",
        )


def _is_unfit(character: str) -> bool:
    return (
        character == "<"
        or character.isspace()
        or not (character.isprintable() or character >= "\xa0")
        or "\ud800" <= character <= "\udfff"
    )
