"""The text of system and developer content."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from . import json_text
from .bounds import MAX_REMEMBERED_TOOL_CHARACTERS, REMEMBERED_TOOL_TYPES_BYTES
from .chat import (
    DeveloperContent,
    ResponseFormat,
    SystemContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from .errors import RenderError
from .render_cache import RenderCache
from .typescript import TypeTooLongError, Watch, schema_to_type


def system_text(
    content: SystemContent, has_function_tools: bool, watch: Watch | None = None
) -> str:
    """Returns the text of a system message's content.

    Args:
        content: The content.
        has_function_tools: Whether the conversation has tools in the namespace `functions`.
        watch: Sees types and descriptions, of which a few bytes can become many, grow.

    Raises:
        RenderError: Tool parameters that become too long a type.
        ValueError: Tool parameters that are not valid JSON.
    """
    return "\n\n".join(_system_sections(content, has_function_tools, watch))


def developer_text(content: DeveloperContent, watch: Watch | None = None) -> str:
    """Returns the text of a developer message's content.

    Raises:
        RenderError: As `system_text`.
        ValueError: Tool parameters, or the schema of a response format, that are not valid JSON.
    """
    return "\n\n".join(_developer_sections(content, watch))


def _developer_sections(content: DeveloperContent, watch: Watch | None) -> Iterator[str]:
    if content.instructions is not None:
        yield "# Instructions"
        yield content.instructions
    if content.tools:
        yield from _tools_sections(content.tools, "developer", watch)
    if content.response_formats:
        yield "# Response Formats"
        for response_format in content.response_formats:
            yield _response_format_text(response_format, watch)


def _system_sections(
    content: SystemContent, has_function_tools: bool, watch: Watch | None
) -> Iterator[str]:
    top = []
    if content.model_identity is not None:
        top.append(content.model_identity)
    if content.knowledge_cutoff is not None:
        top.append("Knowledge cutoff: " + content.knowledge_cutoff)
    if content.conversation_start_date is not None:
        top.append("Current date: " + content.conversation_start_date)
    if top:
        yield "\n".join(top)
    if content.reasoning_effort is not None:
        yield f"Reasoning: {content.reasoning_effort.value.lower()}"
    if content.tools:
        yield from _tools_sections(content.tools, "system", watch)
    channels = content.channel_config
    if channels is not None and channels.valid_channels:
        line = f"# Valid channels: {', '.join(channels.valid_channels)}."
        if channels.channel_required:
            line += " Channel must be included for every message."
        if has_function_tools:
            line += "\nCalls to these tools must go to the commentary channel: 'functions'."
        yield line


def _tools_sections(
    tools: Mapping[str, ToolNamespaceConfig], kind: str, watch: Watch | None
) -> Iterator[str]:
    by_key = {
        json_text.join_surrogates(key): (namespace, f"{kind}.tools[{index}]")
        for index, (key, namespace) in enumerate(tools.items())
    }
    yield "# Tools"
    for key in sorted(by_key):
        namespace, field = by_key[key]
        yield "\n".join(_namespace_parts(namespace, field, watch))


def _namespace_parts(
    namespace: ToolNamespaceConfig, field: str, watch: Watch | None
) -> Iterator[str]:
    yield f"## {namespace.name}\n"
    yield from _lines(namespace.description or "", "// " if namespace.tools else "", watch)
    if namespace.tools:
        yield f"namespace {namespace.name} {{\n"
        for index, tool in enumerate(namespace.tools):
            try:
                yield from _tool_parts(tool, watch)
            except TypeTooLongError as error:
                raise RenderError(
                    str(error), field=f"{field}.tools[{index}].parameters_json"
                ) from None
        yield f"}} // namespace {namespace.name}"


def _tool_parts(tool: ToolDescription, watch: Watch | None) -> Iterator[str]:
    yield from _lines(tool.description, "// ", watch)
    parameters = ""
    if tool.parameters is not None:
        parameters = f"_: {_parameters_type(tool.parameters, watch)}"
    yield f"type {tool.name} = ({parameters}) => any;\n"


def _response_format_text(response_format: ResponseFormat, watch: Watch | None) -> str:
    schema = json_text.join_surrogates(response_format.json_schema)
    if not isinstance(json_text.load_unambiguous(schema), dict):
        raise json_text.JsonError("the schema of a response format must be a JSON object")
    description = _lines(response_format.description or "", "// ", watch)
    return "\n".join([f"## {response_format.name}\n", *description, json_text.compact(schema)])


def _parameters_type(parameters: dict[Any, Any], watch: Watch | None) -> str:
    text = json_text.to_text(parameters)
    if len(text) > MAX_REMEMBERED_TOOL_CHARACTERS:
        return schema_to_type(json_text.load(text), watch)
    remembered = _types.get(text)
    if remembered is None:
        remembered = schema_to_type(json_text.load(text), watch)
        _types.put(text, remembered, sys.getsizeof(text) + sys.getsizeof(remembered))
    elif watch is not None:
        watch(len(remembered))
    return remembered


# The same tools come with every conversation.
_types: RenderCache[str] = RenderCache(REMEMBERED_TOOL_TYPES_BYTES)


def _lines(text: str, prefix: str, watch: Watch | None) -> Iterator[str]:
    r"""Yields the lines of a text, prefixed and joined; nothing for an empty text.

    Splits like Rust's str::lines: at `\n` and `\r\n` only, without an empty last line.
    """
    if text:
        if watch is not None:
            watch(len(text) + len(prefix) * text.count("\n"))
        lines = text.replace("\r\n", "\n").removesuffix("\n")
        yield prefix + lines.replace("\n", f"\n{prefix}")
