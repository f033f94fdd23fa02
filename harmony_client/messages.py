"""Functions that build messages.

conversation = [
    system(reasoning_effort="high", conversation_start_date="2025-06-28"),
    developer("Be brief.", functions=[function("get_time", "Gets the time.")]),
    user("What time is it?"),
]
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from harmony_client._enums import enum_label
from harmony_client.v1 import chat_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

# A tool's name is rendered in the place of a role.
_SPELLS_ROLE = re.compile(r"\s*(system|developer|user|assistant|tool)(?![^\s:])").match


def user(text: str, *, name: str | None = None) -> chat_pb2.Message:
    """Returns a user message; `name` distinguishes several users."""
    return chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.Role.ROLE_USER, name=name), content=[_to_content(text)]
    )


def assistant(
    text: str,
    *,
    channel: str | None = None,
    recipient: str | None = None,
    content_type: str | None = None,
) -> chat_pb2.Message:
    """Returns a message of the model, as a parse of its tokens would.

    `channel` is usually analysis, commentary or final. In a tool call,
    `recipient` is the name of the tool, and `content_type` is usually
    `<|constrain|>json`.
    """
    return chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.Role.ROLE_ASSISTANT),
        content=[_to_content(text)],
        channel=channel,
        recipient=recipient,
        content_type=content_type,
    )


def tool(
    name: str,
    text: str,
    *,
    channel: str | None = "commentary",
    recipient: str | None = "assistant",
    content_type: str | None = None,
) -> chat_pb2.Message:
    """Returns the result of a call of the tool `name`, such as `functions.get_weather`.

    gpt-oss models are trained on results with the default channel and
    recipient. For a call on another channel, such as a call of `python` on
    analysis, pass that channel.

    Raises ValueError for a name that begins with a role, such as `system` or
    `user:ada`: its message would be that role's.
    """
    if _SPELLS_ROLE(name):
        raise ValueError(f"the name of a tool must not spell a role, but this is {name!r}")
    return chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.Role.ROLE_TOOL, name=name),
        content=[_to_content(text)],
        channel=channel,
        recipient=recipient,
        content_type=content_type,
    )


def system(
    *,
    model_identity: str | None = None,
    reasoning_effort: chat_pb2.ReasoningEffort | str | None = None,
    conversation_start_date: str | None = None,
    knowledge_cutoff: str | None = None,
    required_channels: Iterable[str] | None = None,
    builtin_tools: Iterable[chat_pb2.BuiltinTool | str] = (),
    tools: Iterable[chat_pb2.ToolNamespaceConfig] = (),
    no_defaults: bool = False,
) -> chat_pb2.Message:
    """Returns a system message; arguments that are None take the server's defaults.

    Args:
        model_identity: The first line of the message.
        reasoning_effort: low, medium or high. None: medium.
        conversation_start_date: The current date, as text. None: the prompt has
            no date.
        knowledge_cutoff: The month up to which the model knows the world, as
            text.
        required_channels: The channels that the model must use. None: analysis,
            commentary and final.
        builtin_tools: browser, python or both.
        tools: Further namespaces of tools.
        no_defaults: Leave arguments that are None out of the prompt.

    Raises ValueError for an unknown effort or built-in tool.
    """
    content = chat_pb2.SystemContent(
        model_identity=model_identity,
        conversation_start_date=conversation_start_date,
        knowledge_cutoff=knowledge_cutoff,
        builtin_tools=[
            enum_label(chat_pb2.BuiltinTool, "BUILTIN_TOOL_", builtin) for builtin in builtin_tools
        ],
        tools=tools,
        no_defaults=no_defaults,
        reasoning_effort=None
        if reasoning_effort is None
        else enum_label(chat_pb2.ReasoningEffort, "REASONING_EFFORT_", reasoning_effort),
        channel_config=None
        if required_channels is None
        else chat_pb2.ChannelConfig(valid_channels=required_channels, channel_required=True),
    )
    return chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.Role.ROLE_SYSTEM),
        content=[chat_pb2.Content(system=content)],
    )


def developer(
    instructions: str | None = None,
    *,
    functions: Iterable[chat_pb2.ToolDescription] = (),
    tools: Iterable[chat_pb2.ToolNamespaceConfig] = (),
    response_formats: Iterable[chat_pb2.ResponseFormat] = (),
) -> chat_pb2.Message:
    """Returns a developer message.

    `functions` go into the namespace `functions`; `tools` are further
    namespaces, which must have other names. `response_format` makes each of the
    `response_formats`.
    """
    namespaces = list(tools)
    described = list(functions)
    if described:
        namespaces.append(namespace("functions", described))
    content = chat_pb2.DeveloperContent(
        instructions=instructions, tools=namespaces, response_formats=response_formats
    )
    return chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.Role.ROLE_DEVELOPER),
        content=[chat_pb2.Content(developer=content)],
    )


def namespace(
    name: str, tools: Iterable[chat_pb2.ToolDescription], *, description: str | None = None
) -> chat_pb2.ToolNamespaceConfig:
    """Returns a namespace of tools; `function` describes each tool."""
    return chat_pb2.ToolNamespaceConfig(name=name, description=description, tools=tools)


def function(
    name: str, description: str, parameters: dict[str, Any] | str | None = None
) -> chat_pb2.ToolDescription:
    """Returns the description of a function that the model may call.

    `parameters` is the JSON Schema of its arguments: a dict, whose order of
    keys the prompt keeps, or JSON text, which is sent unchanged. None: the
    function takes no arguments.

    Raises ValueError for NaN or an infinity in the dict, and TypeError for a
    value that JSON cannot represent.
    """
    if isinstance(parameters, dict):
        parameters = json.dumps(parameters, ensure_ascii=False, allow_nan=False)
    return chat_pb2.ToolDescription(name=name, description=description, parameters_json=parameters)


def response_format(
    name: str, schema: dict[str, Any] | str, *, description: str | None = None
) -> chat_pb2.ResponseFormat:
    """Returns a format to answer in; to force the model to use it takes a grammar, too.

    `schema` is a JSON Schema: a dict, whose order of keys the prompt keeps, or
    JSON text, whose spelling it keeps as well.

    Raises ValueError for NaN or an infinity in the dict, and TypeError for a
    value that JSON cannot represent.
    """
    if isinstance(schema, dict):
        schema = json.dumps(schema, ensure_ascii=False, allow_nan=False)
    return chat_pb2.ResponseFormat(name=name, description=description, schema_json=schema)


def _to_content(text: str) -> chat_pb2.Content:
    """Returns text as the content of a message."""
    return chat_pb2.Content(text=chat_pb2.TextContent(text=text))
