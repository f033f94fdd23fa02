"""Builds the contract's messages."""

from collections.abc import Iterable, Mapping

from harmony_client._google import error_details_pb2, status_pb2
from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import parse_pb2 as parse

INVALID_ARGUMENT = 3
RESOURCE_EXHAUSTED = 8


def text(value: str) -> chat.Content:
    """Returns a text content."""
    return chat.Content(text=chat.TextContent(text=value))


def message(
    role: chat.Role,
    *content: chat.Content | str,
    name: str | None = None,
    channel: str | None = None,
    recipient: str | None = None,
    content_type: str | None = None,
) -> chat.Message:
    """Returns a message; a string becomes a text content."""
    return chat.Message(
        author=chat.Author(role=role, name=name),
        content=[text(item) if isinstance(item, str) else item for item in content],
        channel=channel,
        recipient=recipient,
        content_type=content_type,
    )


def user(value: str) -> chat.Message:
    """Returns a user's message."""
    return message(chat.ROLE_USER, value)


def assistant(
    value: str,
    channel: str | None = None,
    recipient: str | None = None,
    content_type: str | None = None,
) -> chat.Message:
    """Returns an assistant's message."""
    return message(
        chat.ROLE_ASSISTANT,
        value,
        channel=channel,
        recipient=recipient,
        content_type=content_type,
    )


def system(content: chat.SystemContent | None = None) -> chat.Message:
    """Returns a system message."""
    return message(chat.ROLE_SYSTEM, chat.Content(system=content or chat.SystemContent()))


def developer(content: chat.DeveloperContent) -> chat.Message:
    """Returns a developer message."""
    return message(chat.ROLE_DEVELOPER, chat.Content(developer=content))


def tool(
    name: str, description: str = "Does it.", parameters: str | None = None
) -> chat.ToolDescription:
    """Returns a tool; `parameters` is JSON text."""
    return chat.ToolDescription(name=name, description=description, parameters_json=parameters)


def namespace(
    name: str, *tools: chat.ToolDescription, description: str | None = None, key: str | None = None
) -> chat.ToolNamespaceConfig:
    """Returns a namespace of tools."""
    return chat.ToolNamespaceConfig(name=name, tools=tools, description=description, key=key)


def with_functions(*tools: chat.ToolDescription, instructions: str | None = None) -> chat.Message:
    """Returns a developer message with function tools."""
    return developer(
        chat.DeveloperContent(instructions=instructions, tools=[namespace("functions", *tools)])
    )


def conversation(*messages: chat.Message) -> chat.Conversation:
    """Returns a conversation."""
    return chat.Conversation(messages=messages)


def failure(
    reason: str,
    *,
    field: str | None = None,
    metadata: Mapping[str, str] | None = None,
    code: int = INVALID_ARGUMENT,
) -> status_pb2.Status:
    """Returns the status of an error, without human-readable texts."""
    status = status_pb2.Status(code=code)
    info = error_details_pb2.ErrorInfo(reason=reason, domain="harmony.v1", metadata=metadata)
    status.details.add().Pack(info)
    if field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, reason=reason)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    return status


def invalid_field(field: str) -> status_pb2.Status:
    """Returns the status of a request with an invalid field."""
    return failure("INVALID_FIELD", field=field)


def parse_failed(
    token: int | None, offset: int, state: str, *, cut_off: bool = False
) -> status_pb2.Status:
    """Returns the status of malformed output; a token of None is the end of the stream."""
    where = {"token": "" if token is None else str(token), "offset": str(offset), "state": state}
    if cut_off:
        where["cut_off"] = "true"
    return failure("PARSE_FAILED", metadata=where)


def token_range(begin: int, end: int) -> parse.TokenRange:
    """Returns a range of token offsets."""
    return parse.TokenRange(begin=begin, end=end)


def run(tokens: Iterable[int]) -> parse.ParseRequest:
    """Returns a request of a Parse stream with tokens."""
    return parse.ParseRequest(tokens=parse.TokenIds(tokens=tokens))
