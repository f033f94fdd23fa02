"""Builds the contract's messages."""

from collections.abc import Sequence

from harmony_client.v1 import chat_pb2 as chat
from harmony_server import core


def text(value: str) -> chat.Content:
    """Returns a text content."""
    return chat.Content(text=chat.TextContent(text=value))


def message(
    role: chat.Role,
    *content: chat.Content,
    name: str | None = None,
    channel: str | None = None,
    recipient: str | None = None,
    content_type: str | None = None,
) -> chat.Message:
    """Returns a message."""
    return chat.Message(
        author=chat.Author(role=role, name=name),
        content=content,
        channel=channel,
        recipient=recipient,
        content_type=content_type,
    )


def conversation(*messages: chat.Message) -> chat.Conversation:
    """Returns a conversation."""
    return chat.Conversation(messages=messages)


def user(value: str) -> chat.Message:
    """Returns a user's message."""
    return message(chat.ROLE_USER, text(value))


def with_parameters(parameters_json: str) -> chat.Message:
    """Returns a developer message with one tool with these parameters."""
    tool = chat.ToolDescription(name="f", description="d", parameters_json=parameters_json)
    namespace = chat.ToolNamespaceConfig(name="functions", tools=[tool])
    content = chat.DeveloperContent(tools=[namespace])
    return message(chat.ROLE_DEVELOPER, chat.Content(developer=content))


def spelled(tokens: Sequence[int]) -> str:
    """Returns the text of tokens, with special tokens spelled out."""
    return core.load_harmony_encoding("HarmonyGptOss").decode_utf8(tokens)
