"""Converts the contract's messages to the reference's canonical JSON, as the protos specify.

Independent of the server's own conversion, so that the vectors reveal its mistakes.
"""

import importlib
import json
from collections.abc import Iterable
from typing import Any, Final

from harmony_client.v1 import chat_pb2 as chat

ROLE_NAMES: Final = {
    chat.ROLE_USER: "user",
    chat.ROLE_ASSISTANT: "assistant",
    chat.ROLE_SYSTEM: "system",
    chat.ROLE_DEVELOPER: "developer",
    chat.ROLE_TOOL: "tool",
}
_EFFORTS: Final = {
    chat.REASONING_EFFORT_LOW: "Low",
    chat.REASONING_EFFORT_MEDIUM: "Medium",
    chat.REASONING_EFFORT_HIGH: "High",
}
_BUILTIN_NAMES: Final = {chat.BUILTIN_TOOL_BROWSER: "browser", chat.BUILTIN_TOOL_PYTHON: "python"}


def conversation_json(conversation: chat.Conversation) -> dict[str, Any]:
    """Returns the canonical JSON of a conversation."""
    return {"messages": [message_json(message) for message in conversation.messages]}


def message_json(message: chat.Message) -> dict[str, Any]:
    """Returns the canonical JSON of a message."""
    data: dict[str, Any] = {
        "role": ROLE_NAMES[message.author.role],
        "content": [_content(content) for content in message.content],
    }
    if message.author.HasField("name"):
        data["name"] = message.author.name
    if message.HasField("channel"):
        data["channel"] = message.channel
    if message.HasField("recipient"):
        data["recipient"] = message.recipient
    if message.HasField("content_type"):
        data["content_type"] = message.content_type
    return data


def _content(content: chat.Content) -> dict[str, Any]:
    match content.WhichOneof("content"):
        case "system":
            return {"type": "system_content", **_system(content.system)}
        case "developer":
            return {"type": "developer_content", **_developer(content.developer)}
        case _:
            return {"type": "text", "text": content.text.text}


def _system(content: chat.SystemContent) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if content.no_defaults:
        unset = ("model_identity", "reasoning_effort", "knowledge_cutoff", "channel_config")
        data = dict.fromkeys(unset)
    if content.HasField("model_identity"):
        data["model_identity"] = content.model_identity
    if content.reasoning_effort in _EFFORTS:
        data["reasoning_effort"] = _EFFORTS[content.reasoning_effort]
    if content.HasField("conversation_start_date"):
        data["conversation_start_date"] = content.conversation_start_date
    if content.HasField("knowledge_cutoff"):
        data["knowledge_cutoff"] = content.knowledge_cutoff
    if content.HasField("channel_config"):
        data["channel_config"] = {
            "valid_channels": list(content.channel_config.valid_channels),
            "channel_required": content.channel_config.channel_required,
        }
    tools = _namespaces(content.tools)
    builtin_names = [_BUILTIN_NAMES[tool] for tool in content.builtin_tools]
    tools |= {name: _builtin(name) for name in builtin_names}
    if tools:
        data["tools"] = tools
    return data


def _developer(content: chat.DeveloperContent) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if content.HasField("instructions"):
        data["instructions"] = content.instructions
    if content.tools:
        data["tools"] = _namespaces(content.tools)
    return data


def _namespaces(namespaces: Iterable[chat.ToolNamespaceConfig]) -> dict[str, Any]:
    return {
        (namespace.key if namespace.HasField("key") else namespace.name): {
            "name": namespace.name,
            "description": namespace.description if namespace.HasField("description") else None,
            "tools": [_tool(tool) for tool in namespace.tools],
        }
        for namespace in namespaces
    }


def _tool(tool: chat.ToolDescription) -> dict[str, Any]:
    parameters = json.loads(tool.parameters_json) if tool.HasField("parameters_json") else None
    return {"name": tool.name, "description": tool.description, "parameters": parameters}


def _builtin(name: str) -> dict[str, Any]:
    # Only the reference has these texts.
    configs = importlib.import_module("openai_harmony").ToolNamespaceConfig
    namespace: dict[str, Any] = getattr(configs, name)().model_dump()
    return namespace
