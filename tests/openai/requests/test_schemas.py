"""Schemas of tools look as in a conversation that the core renders."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings

from harmony_server import core
from harmony_server.core import json_text
from tests.strategies.schemas import schemas

from .rendering import ENCODING, chat, conversation, flat, function, respond

# As the test sets of function calling and the tools of MCP servers have them.
_USUAL: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Absolute path.\nNo globs."},
            "edits": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"old": {"type": "string"}, "new": {"type": "string"}},
                    "required": ["old", "new"],
                    "additionalProperties": False,
                },
            },
            "dryRun": {"type": "boolean", "default": False},
        },
        "required": ["path", "edits"],
        "additionalProperties": False,
        "$schema": "http://json-schema.org/draft-07/schema#",
    },
    {
        "type": "object",
        "properties": {
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "days": {"type": "integer", "minimum": 1, "maximum": 1e1},
            "at": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "near": {"oneOf": [{"type": "string"}, {"type": "number", "default": 0.50}]},
            "tags": {"type": ["array", "null"], "items": {"$ref": "#/$defs/tag"}},
        },
        "$defs": {"tag": {"type": "string"}},
    },
    {"type": "dict", "properties": {"n": {"type": "float"}}, "required": ["n"]},
    {},
]


def _from_core(schema_json: str) -> str:
    parameters = json_text.load_unambiguous(schema_json)
    tool = core.ToolDescription.new("f", "Does it.", parameters=parameters)
    content = core.DeveloperContent.new().with_function_tools([tool])
    message = core.Message.from_role_and_content(core.Role.DEVELOPER, content)
    return ENCODING.decode(ENCODING.render(message))


def _assert_same(schema: dict[str, Any]) -> None:
    members: dict[str, Any] = {"description": "Does it.", "parameters": schema}
    expected = _from_core(json.dumps(schema))
    for prompt in (chat(tools=[function("f", **members)]), respond(tools=[flat("f", **members)])):
        assert conversation(prompt).startswith(expected)


@pytest.mark.parametrize("schema", _USUAL)
def test_usual_schemas_look_as_in_the_core(schema: dict[str, Any]) -> None:
    """Nested, with enums, references and unions."""
    _assert_same(schema)


@settings(max_examples=200)
@given(schemas())
@example({"type": "object", "properties": {"z": {}, "a": {}, "m": {"default": -0.0}}})
def test_any_schema_looks_as_in_the_core(schema: dict[str, Any]) -> None:
    """Valid or not: the order of members and the kind of numbers survive."""
    _assert_same(schema)
