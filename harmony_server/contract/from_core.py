"""Converts core values to protobuf, for requests to a server; the inverse of `from_proto`."""

import json
from collections.abc import Mapping

from harmony_client.v1 import chat_pb2

from .. import core


def convert_conversation(value: core.Conversation) -> chat_pb2.Conversation:
    """Converts a conversation.

    Raises:
        NotImplementedError: As `convert_message`.
    """
    return chat_pb2.Conversation(messages=map(convert_message, value.messages))


def convert_message(value: core.Message) -> chat_pb2.Message:
    """Converts a message.

    Raises:
        NotImplementedError: The contract has no message for a content of this type.
    """
    author = value.author
    return chat_pb2.Message(
        author=chat_pb2.Author(role=f"ROLE_{author.role.name}", name=author.name),
        recipient=value.recipient,
        content=[_convert_content(content) for content in value.content],
        channel=value.channel,
        content_type=value.content_type,
    )


def _convert_content(content: core.Content) -> chat_pb2.Content:
    match content:
        case core.TextContent():
            return chat_pb2.Content(text=chat_pb2.TextContent(text=content.text))
        case core.SystemContent():
            return chat_pb2.Content(system=_convert_system_content(content))
        case core.DeveloperContent():
            developer = chat_pb2.DeveloperContent(
                instructions=content.instructions,
                tools=_convert_namespaces(content.tools),
                response_formats=[
                    chat_pb2.ResponseFormat(
                        name=response_format.name,
                        description=response_format.description,
                        schema_json=response_format.json_schema,
                    )
                    for response_format in content.response_formats or []
                ],
            )
            return chat_pb2.Content(developer=developer)
    raise NotImplementedError(f"{type(content).__name__} cannot be sent")


def _convert_system_content(content: core.SystemContent) -> chat_pb2.SystemContent:
    """Converts system content; with `no_defaults`, the server leaves None out."""
    effort, channels = content.reasoning_effort, content.channel_config
    return chat_pb2.SystemContent(
        model_identity=content.model_identity,
        reasoning_effort=None if effort is None else f"REASONING_EFFORT_{effort.name}",
        conversation_start_date=content.conversation_start_date,
        knowledge_cutoff=content.knowledge_cutoff,
        channel_config=None
        if channels is None
        else chat_pb2.ChannelConfig(
            valid_channels=channels.valid_channels, channel_required=channels.channel_required
        ),
        tools=_convert_namespaces(content.tools),
        no_defaults=True,
    )


def _convert_namespaces(
    tools: Mapping[str, core.ToolNamespaceConfig] | None,
) -> list[chat_pb2.ToolNamespaceConfig]:
    return [
        chat_pb2.ToolNamespaceConfig(
            key=key,
            name=namespace.name,
            description=namespace.description,
            tools=[_convert_tool(tool) for tool in namespace.tools],
        )
        for key, namespace in (tools or {}).items()
    ]


def _convert_tool(tool: core.ToolDescription) -> chat_pb2.ToolDescription:
    parameters = tool.parameters
    return chat_pb2.ToolDescription(
        name=tool.name,
        description=tool.description,
        parameters_json=None if parameters is None else json.dumps(parameters),
    )
