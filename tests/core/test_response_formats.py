"""The section `# Response Formats` of a developer message."""

import json

import pytest

from harmony_server import core
from harmony_server.contract import from_core, from_proto
from tests.support.encodings import encoding

_FORMATS = [
    core.ResponseFormat.new(
        "list", '{ "type": "object", "b": [1.0, 1e5, " : "] }', "A list.\nShort."
    ),
    core.ResponseFormat.new("any", "{}"),
]


def _developer(*formats: core.ResponseFormat) -> core.Message:
    content = core.DeveloperContent.new().with_instructions("Be brief.")
    return core.Message.from_role_and_content(
        core.Role.DEVELOPER, content.with_response_formats(formats)
    )


def test_the_section() -> None:
    """Each format has a heading, comments and its schema on one line, as it was spelled."""
    assert encoding().decode(encoding().render(_developer(*_FORMATS))) == (
        "<|start|>developer<|message|># Instructions\n\nBe brief.\n\n# Response Formats\n\n"
        '## list\n\n// A list.\n// Short.\n{"type":"object","b":[1.0,1e5," : "]}\n\n'
        "## any\n\n{}<|end|>"
    )


def test_no_formats_are_no_section() -> None:
    """An empty list renders like none."""
    text = "<|start|>developer<|message|># Instructions\n\nBe brief.<|end|>"
    assert encoding().decode(encoding().render(_developer())) == text


@pytest.mark.parametrize("schema", ["", "{", "[]", "null", '{"a":1,"a":2}', '{"a":"\\ud800"}'])
def test_a_wrong_schema(schema: str) -> None:
    """A schema that is not an unambiguous JSON object is a ValueError."""
    with pytest.raises(ValueError, match="invalid message JSON"):
        encoding().render(_developer(core.ResponseFormat.new("a", schema)))


def test_the_cache_tells_formats_apart() -> None:
    """Messages that differ in a format have tokens of their own, rendered again or not."""
    for _ in range(2):
        for formats in ([], _FORMATS, _FORMATS[:1], _FORMATS[::-1]):
            message = _developer(*formats)
            conversation = core.Conversation.from_messages([message])
            assert encoding().render_conversation(conversation) == encoding().render(message)


def test_json() -> None:
    """Canonical JSON holds the formats, and leaves the field out if there are none."""
    message = _developer(*_FORMATS)
    (content,) = json.loads(message.to_json())["content"]
    assert content["response_formats"] == [
        {
            "name": "list",
            "json_schema": '{ "type": "object", "b": [1.0, 1e5, " : "] }',
            "description": "A list.\nShort.",
        },
        {"name": "any", "json_schema": "{}"},
    ]
    assert core.Message.from_dict(json.loads(message.to_json())) == message
    without = core.DeveloperContent.new()
    assert without.to_dict() == {"type": "developer_content"}
    assert without.model_dump() == {"instructions": None, "tools": None}
    assert repr(without) == "DeveloperContent(instructions=None, tools=None)"
    assert "response_formats=" in repr(message)


def test_protobuf() -> None:
    """The contract carries the formats both ways."""
    message = _developer(*_FORMATS)
    assert from_proto.convert_message(from_core.convert_message(message), "message") == message
