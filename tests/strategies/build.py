"""Builds objects of the reference or of our core from the same plain data."""

from types import ModuleType
from typing import Any


def message_from_dict(harmony: ModuleType, message: dict[str, Any]) -> Any:
    """Returns the message that the canonical dictionary describes."""
    return harmony.Message.from_dict(message)


def conversation_from_dict(harmony: ModuleType, conversation: dict[str, Any]) -> Any:
    """Returns the conversation that the canonical dictionary describes."""
    messages = [message_from_dict(harmony, message) for message in conversation["messages"]]
    return harmony.Conversation.from_messages(messages)


def message_by_builders(harmony: ModuleType, message: dict[str, Any]) -> Any:
    """Returns the message, made with the builder methods.

    Namespaces are keyed by name, whatever their keys in the dictionary.
    """
    author = harmony.Author(role=harmony.Role(message["role"]), name=message.get("name"))
    raw = message["content"]
    contents = [raw] if isinstance(raw, str) else [_content(harmony, content) for content in raw]
    if contents:
        built = harmony.Message.from_author_and_content(author, contents[0])
        for content in contents[1:]:
            built = built.adding_content(content)
    else:
        built = harmony.Message.from_role_and_contents(author.role, [])
        built.author = author
    if message.get("channel") is not None:
        built = built.with_channel(message["channel"])
    if message.get("recipient") is not None:
        built = built.with_recipient(message["recipient"])
    if message.get("content_type") is not None:
        built = built.with_content_type(message["content_type"])
    return built


def _content(harmony: ModuleType, content: dict[str, Any]) -> Any:
    if content["type"] == "text":
        return harmony.TextContent(text=content["text"])
    if content["type"] == "system_content":
        return _system_content(harmony, content)
    return _developer_content(harmony, content)


def _system_content(harmony: ModuleType, content: dict[str, Any]) -> Any:
    built = harmony.SystemContent.new()
    setters = {
        "model_identity": built.with_model_identity,
        "conversation_start_date": built.with_conversation_start_date,
        "knowledge_cutoff": built.with_knowledge_cutoff,
    }
    for name, setter in setters.items():
        if content.get(name) is not None:
            setter(content[name])
    if content.get("reasoning_effort") is not None:
        built.with_reasoning_effort(harmony.ReasoningEffort(content["reasoning_effort"]))
    config = content.get("channel_config")
    if config is not None and config["channel_required"]:
        built.with_required_channels(config["valid_channels"])
    elif config is not None:
        built.with_channel_config(harmony.ChannelConfig(**config))
    for namespace in _namespaces(harmony, content):
        built.with_tools(namespace)
    return built


def _developer_content(harmony: ModuleType, content: dict[str, Any]) -> Any:
    built = harmony.DeveloperContent.new()
    if content.get("instructions") is not None:
        built.with_instructions(content["instructions"])
    for namespace in _namespaces(harmony, content):
        if namespace.name == "functions" and namespace.description is None:
            built.with_function_tools(namespace.tools)
        else:
            built.with_tools(namespace)
    return built


def _namespaces(harmony: ModuleType, content: dict[str, Any]) -> list[Any]:
    return [
        harmony.ToolNamespaceConfig(
            name=namespace["name"],
            description=namespace.get("description"),
            tools=[
                harmony.ToolDescription.new(
                    tool["name"], tool["description"], parameters=tool.get("parameters")
                )
                for tool in namespace["tools"]
            ],
        )
        for namespace in (content.get("tools") or {}).values()
    ]
