"""Converts protobuf to core values and checks every field.

Each function takes the path of its argument in the request, and raises RequestError, INVALID_FIELD,
with the path of the field that is invalid.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2

from .. import bounds, core
from ..core import json_text
from ..core.parser import MessageParser
from ..core.tokenizer import SPECIAL_TOKENS
from ..operations.errors import invalid_field, prefill_failed

_ROLES = {
    chat_pb2.ROLE_USER: core.Role.USER,
    chat_pb2.ROLE_ASSISTANT: core.Role.ASSISTANT,
    chat_pb2.ROLE_SYSTEM: core.Role.SYSTEM,
    chat_pb2.ROLE_DEVELOPER: core.Role.DEVELOPER,
    chat_pb2.ROLE_TOOL: core.Role.TOOL,
}
_EFFORTS = {
    chat_pb2.REASONING_EFFORT_LOW: core.ReasoningEffort.LOW,
    chat_pb2.REASONING_EFFORT_MEDIUM: core.ReasoningEffort.MEDIUM,
    chat_pb2.REASONING_EFFORT_HIGH: core.ReasoningEffort.HIGH,
}
_ANALYSIS_RULES = {
    service_pb2.ANALYSIS_RULE_KEEP: core.AnalysisRule.KEEP,
    service_pb2.ANALYSIS_RULE_CURRENT_TURN: core.AnalysisRule.CURRENT_TURN,
    service_pb2.ANALYSIS_RULE_NONE: core.AnalysisRule.NONE,
}
_BUILTIN_TOOLS = {
    chat_pb2.BUILTIN_TOOL_BROWSER: core.ToolNamespaceConfig.browser(),
    chat_pb2.BUILTIN_TOOL_PYTHON: core.ToolNamespaceConfig.python(),
}


def convert_role(value: "chat_pb2.Role", path: str) -> core.Role:
    """Converts a role; ROLE_UNSPECIFIED is invalid."""
    if value not in _ROLES:
        raise invalid_field(path, "must be a role, and not ROLE_UNSPECIFIED")
    return _ROLES[value]


def convert_message(proto: chat_pb2.Message, path: str) -> core.Message:
    """Converts a message with at most MAX_MESSAGE_PARTS contents, tools and formats."""
    if _count_parts(proto) > bounds.MAX_MESSAGE_PARTS:
        raise invalid_field(
            f"{path}.content",
            f"has more than {bounds.MAX_MESSAGE_PARTS} contents, tools and response formats",
        )
    author = core.Author(
        role=convert_role(proto.author.role, f"{path}.author.role"),
        name=proto.author.name if proto.author.HasField("name") else None,
    )
    return core.Message(
        author=author,
        content=[
            _convert_content(content, f"{path}.content[{index}]")
            for index, content in enumerate(proto.content)
        ],
        channel=proto.channel if proto.HasField("channel") else None,
        recipient=proto.recipient if proto.HasField("recipient") else None,
        content_type=proto.content_type if proto.HasField("content_type") else None,
    )


def _count_parts(proto: chat_pb2.Message) -> int:
    parts = len(proto.content)
    for content in proto.content:
        parts += len(content.system.builtin_tools) + len(content.developer.response_formats)
        for namespaces in (content.system.tools, content.developer.tools):
            parts += len(namespaces) + sum(len(namespace.tools) for namespace in namespaces)
    return parts


def convert_render_config(
    proto: service_pb2.RenderConversationConfig, path: str
) -> core.RenderConversationConfig:
    """Converts the options of a conversation."""
    if proto.analysis != service_pb2.ANALYSIS_RULE_UNSPECIFIED:
        if proto.analysis not in _ANALYSIS_RULES:
            raise invalid_field(f"{path}.analysis", "must be a rule for analysis")
        if proto.HasField("auto_drop_analysis"):
            raise invalid_field(f"{path}.analysis", "excludes auto_drop_analysis")
        return core.RenderConversationConfig(analysis=_ANALYSIS_RULES[proto.analysis])
    if proto.HasField("auto_drop_analysis"):
        return core.RenderConversationConfig(auto_drop_analysis=proto.auto_drop_analysis)
    return core.RenderConversationConfig()


def convert_parse_options(
    proto: parse_pb2.ParseOptions, path: str, max_header_tokens: int
) -> core.ParseOptions:
    """Converts the options of a parse.

    Args:
        proto: The options.
        path: Their path.
        max_header_tokens: The server's limit, which is also the default.
    """
    limit = max_header_tokens
    if proto.HasField("max_header_tokens"):
        if not 1 <= proto.max_header_tokens <= limit:
            raise invalid_field(f"{path}.max_header_tokens", f"must be from 1 to {limit}")
        limit = proto.max_header_tokens
    strict = proto.strict if proto.HasField("strict") else not proto.recover
    if strict and proto.recover:
        raise invalid_field(f"{path}.recover", "excludes strict = true")
    return core.ParseOptions(
        strict=strict,
        recover=proto.recover,
        max_header_tokens=limit,
        callable_names=_convert_names(proto.callable_names, f"{path}.callable_names"),
        channels=_convert_names(proto.channels, f"{path}.channels"),
        delta_offsets=proto.delta_offsets,
    )


def _convert_names(names: Sequence[str], path: str) -> tuple[str, ...]:
    if len(names) > bounds.MAX_PARSE_NAMES:
        raise invalid_field(path, f"has more than {bounds.MAX_PARSE_NAMES} names")
    if sum(map(len, names)) > bounds.MAX_PARSE_NAME_CHARACTERS:
        raise invalid_field(path, f"has more than {bounds.MAX_PARSE_NAME_CHARACTERS} characters")
    if "" in names:
        raise invalid_field(f"{path}[{list(names).index('')}]", "must not be empty")
    return tuple(names)


def open_parser(
    encoding: core.HarmonyEncoding,
    config: parse_pb2.ParseConfig,
    path: str,
    max_header_tokens: int,
) -> MessageParser:
    """Returns a parser for one sequence.

    Args:
        encoding: The encoding.
        config: The role, options and prefill of the sequence.
        path: The path of the config.
        max_header_tokens: The server's limit, which is also the default.
    """
    preset_role = convert_role(config.role, f"{path}.role") if config.HasField("role") else None
    options = convert_parse_options(config.options, f"{path}.options", max_header_tokens)
    try:
        return encoding.new_parser(preset_role, options, config.prefill)
    except core.PrefillError as error:
        raise prefill_failed(error, f"{path}.prefill") from None


def convert_special_tokens(
    proto: service_pb2.SpecialTokenSet, path: str
) -> Literal["all"] | frozenset[str]:
    """Converts a set of special tokens into their spellings, or `all`."""
    if proto.all:
        if proto.tokens:
            raise invalid_field(f"{path}.tokens", "must be empty where all is true")
        return "all"
    for index, spelling in enumerate(proto.tokens):
        if spelling not in SPECIAL_TOKENS:
            raise invalid_field(
                f"{path}.tokens[{index}]", "must be the spelling of a special token"
            )
    return frozenset(proto.tokens)


def _convert_content(proto: chat_pb2.Content, path: str) -> core.Content:
    kind = proto.WhichOneof("content")
    if kind == "text":
        return core.TextContent(text=proto.text.text)
    if kind == "system":
        return _convert_system_content(proto.system, f"{path}.system")
    if kind == "developer":
        return _convert_developer_content(proto.developer, f"{path}.developer")
    raise invalid_field(path, "must have one of text, system and developer")


def _convert_system_content(proto: chat_pb2.SystemContent, path: str) -> core.SystemContent:
    content = core.SystemContent()
    if proto.no_defaults:
        content.model_identity = None
        content.reasoning_effort = None
        content.knowledge_cutoff = None
        content.channel_config = None
    if proto.HasField("model_identity"):
        content.model_identity = proto.model_identity
    if proto.reasoning_effort != chat_pb2.REASONING_EFFORT_UNSPECIFIED:
        if proto.reasoning_effort not in _EFFORTS:
            raise invalid_field(f"{path}.reasoning_effort", "must be a reasoning effort")
        content.reasoning_effort = _EFFORTS[proto.reasoning_effort]
    if proto.HasField("conversation_start_date"):
        content.conversation_start_date = proto.conversation_start_date
    if proto.HasField("knowledge_cutoff"):
        content.knowledge_cutoff = proto.knowledge_cutoff
    if proto.HasField("channel_config"):
        content.channel_config = core.ChannelConfig(
            valid_channels=list(proto.channel_config.valid_channels),
            channel_required=proto.channel_config.channel_required,
        )
    tools = _convert_namespaces(proto.tools, f"{path}.tools")
    for index, builtin in enumerate(proto.builtin_tools):
        tool_path = f"{path}.builtin_tools[{index}]"
        if builtin not in _BUILTIN_TOOLS:
            raise invalid_field(
                tool_path, "must be a built-in tool, and not BUILTIN_TOOL_UNSPECIFIED"
            )
        namespace = _BUILTIN_TOOLS[builtin]
        _add_namespace(tools, namespace.name, namespace, tool_path)
    content.tools = tools or None
    return content


def _convert_developer_content(
    proto: chat_pb2.DeveloperContent, path: str
) -> core.DeveloperContent:
    return core.DeveloperContent(
        instructions=proto.instructions if proto.HasField("instructions") else None,
        tools=_convert_namespaces(proto.tools, f"{path}.tools") or None,
        response_formats=[
            _convert_response_format(response_format, f"{path}.response_formats[{index}]")
            for index, response_format in enumerate(proto.response_formats)
        ]
        or None,
    )


def _convert_response_format(proto: chat_pb2.ResponseFormat, path: str) -> core.ResponseFormat:
    if not isinstance(_load_json(proto.schema_json, f"{path}.schema_json"), dict):
        raise invalid_field(f"{path}.schema_json", "must be a JSON object")
    return core.ResponseFormat(
        name=proto.name,
        json_schema=proto.schema_json,
        description=proto.description if proto.HasField("description") else None,
    )


def _convert_namespaces(
    protos: Iterable[chat_pb2.ToolNamespaceConfig], path: str
) -> dict[str, core.ToolNamespaceConfig]:
    tools: dict[str, core.ToolNamespaceConfig] = {}
    for index, proto in enumerate(protos):
        namespace_path = f"{path}[{index}]"
        namespace = core.ToolNamespaceConfig(
            name=proto.name,
            description=proto.description if proto.HasField("description") else None,
            tools=[
                _convert_tool(tool, f"{namespace_path}.tools[{tool_index}]")
                for tool_index, tool in enumerate(proto.tools)
            ],
        )
        key = proto.key if proto.HasField("key") else proto.name
        _add_namespace(tools, key, namespace, namespace_path)
    return tools


def _add_namespace(
    tools: dict[str, core.ToolNamespaceConfig],
    key: str,
    namespace: core.ToolNamespaceConfig,
    path: str,
) -> None:
    if key in tools:
        raise invalid_field(path, "has the key of another namespace")
    tools[key] = namespace


def _convert_tool(proto: chat_pb2.ToolDescription, path: str) -> core.ToolDescription:
    parameters = None
    if proto.HasField("parameters_json"):
        parameters = _load_json(proto.parameters_json, f"{path}.parameters_json")
        if not isinstance(parameters, dict | None):
            raise invalid_field(f"{path}.parameters_json", "must be a JSON object")
    return core.ToolDescription(
        name=proto.name, description=proto.description, parameters=parameters
    )


def _load_json(text: str, path: str) -> Any:
    try:
        return json_text.load_unambiguous(text)
    except json_text.JsonError as error:
        raise invalid_field(path, str(error)) from None
