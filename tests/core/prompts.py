"""Render contents and schemas with the core and return the text."""

from typing import Any

from harmony_server import core
from tests.support.encodings import encoding


def text_of(message: core.Message) -> str:
    """Returns a message's rendering as text, special tokens spelled out."""
    return encoding().decode_utf8(encoding().render(message))


def system_text(content: core.SystemContent) -> str:
    """Returns the text between `<|message|>` and `<|end|>` for a system content."""
    return _content_text(core.Role.SYSTEM, content)


def developer_text(content: core.DeveloperContent) -> str:
    """Returns the text between `<|message|>` and `<|end|>` for a developer content."""
    return _content_text(core.Role.DEVELOPER, content)


def type_text(schema: dict[str, Any]) -> str:
    """Returns the type that the prompt shows for a tool's parameters."""
    tool = core.ToolDescription.new("f", "d", parameters=schema)
    text = developer_text(core.DeveloperContent.new().with_function_tools([tool]))
    _, _, after = text.partition("type f = (_: ")
    before, _, _ = after.partition(") => any;\n\n} // namespace functions")
    return before


def property_text(schema: object, **siblings: object) -> str:
    """Returns the lines that the prompt shows for the property `p` of an object.

    Args:
        schema: The schema of the property.
        siblings: Further members of the object's schema.
    """
    text = type_text({"type": "object", "properties": {"p": schema}, **siblings})
    return text.removeprefix("{\n").removesuffix("\n}")


def _content_text(role: core.Role, content: core.Content) -> str:
    text = text_of(core.Message.from_role_and_content(role, content))
    return text.removeprefix(f"<|start|>{role.value}<|message|>").removesuffix("<|end|>")
