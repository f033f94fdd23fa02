"""The text of system and developer content."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from . import json_scan, json_text
from .bounds import MAX_REMEMBERED_TOOL_CHARACTERS, MAX_REMEMBERED_TOOL_TYPES
from .chat import (
    DeveloperContent,
    ResponseFormat,
    SystemContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from .typescript import schema_to_type


def system_text(content: SystemContent, has_function_tools: bool) -> str:
    """Returns the text of a system message's content.

    Args:
        content: The content.
        has_function_tools: Whether the conversation has tools in the namespace `functions`.

    Raises:
        ValueError: Tool parameters that are not valid JSON.
    """
    return "\n\n".join(_system_sections(content, has_function_tools))


def developer_text(content: DeveloperContent) -> str:
    """Returns the text of a developer message's content.

    Raises:
        ValueError: Tool parameters, or the schema of a response format, that are not valid JSON.
    """
    sections = []
    if content.instructions is not None:
        sections += ["# Instructions", content.instructions]
    if content.tools:
        sections.append(_tools_section(content.tools))
    if content.response_formats:
        sections.append("# Response Formats")
        sections += map(_response_format_text, content.response_formats)
    return "\n\n".join(sections)


def _system_sections(content: SystemContent, has_function_tools: bool) -> Iterator[str]:
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
        yield _tools_section(content.tools)
    channels = content.channel_config
    if channels is not None and channels.valid_channels:
        line = f"# Valid channels: {', '.join(channels.valid_channels)}."
        if channels.channel_required:
            line += " Channel must be included for every message."
        if has_function_tools:
            line += "\nCalls to these tools must go to the commentary channel: 'functions'."
        yield line


def _tools_section(tools: Mapping[str, ToolNamespaceConfig]) -> str:
    by_key = {json_text.join_surrogates(key): namespace for key, namespace in tools.items()}
    namespaces = ("\n".join(_namespace_lines(by_key[key])) for key in sorted(by_key))
    return "\n\n".join(["# Tools", *namespaces])


def _namespace_lines(namespace: ToolNamespaceConfig) -> Iterator[str]:
    yield f"## {namespace.name}\n"
    comment = "// " if namespace.tools else ""
    yield from (f"{comment}{line}" for line in _lines(namespace.description or ""))
    if namespace.tools:
        yield f"namespace {namespace.name} {{\n"
        for tool in namespace.tools:
            yield from _tool_lines(tool)
        yield f"}} // namespace {namespace.name}"


def _tool_lines(tool: ToolDescription) -> Iterator[str]:
    yield from (f"// {line}" for line in _lines(tool.description))
    parameters = ""
    if tool.parameters is not None:
        parameters = f"_: {_parameters_type(tool.parameters)}"
    yield f"type {tool.name} = ({parameters}) => any;\n"


def _response_format_text(response_format: ResponseFormat) -> str:
    lines = [f"// {line}" for line in _lines(response_format.description or "")]
    schema = json_text.join_surrogates(response_format.json_schema)
    if not isinstance(json_text.load_unambiguous(schema), dict):
        raise json_text.JsonError("the schema of a response format must be a JSON object")
    return "\n".join([f"## {response_format.name}\n", *lines, json_scan.compact(schema)])


def _parameters_type(parameters: dict[Any, Any]) -> str:
    text = json_text.to_text(parameters)
    return _remember_type(text) if len(text) <= MAX_REMEMBERED_TOOL_CHARACTERS else _type_of(text)


def _type_of(text: str) -> str:
    return schema_to_type(json_text.load(text))


_remember_type = functools.lru_cache(MAX_REMEMBERED_TOOL_TYPES)(_type_of)


def _lines(text: str) -> list[str]:
    r"""Splits like Rust's str::lines: at `\n` and `\r\n` only, without an empty last line."""
    lines = text.split("\n")
    last = lines.pop()
    lines = [line.removesuffix("\r") for line in lines]
    return [*lines, last] if last else lines
