"""The reader of canonical JSON that checks every part."""

import json
from pathlib import Path

import pytest

from harmony_server import core
from harmony_server.core.canonical_json import CanonicalJsonError, read_conversation

_EXAMPLE = Path(__file__).parents[2] / "examples" / "conversation.json"


@pytest.mark.parametrize(
    "text",
    [
        _EXAMPLE.read_text("utf-8"),
        '{"messages": []}',
        '{"messages": [{"role": "tool", "name": "f", "content": [], "extra": 1}]}',
        '{"messages": [{"role": "user", "content": "\\ud83d\\ude00", "channel": "c"}]}',
    ],
)
def test_it_reads_what_the_reference_reads(text: str) -> None:
    """A correct conversation is the one that `Conversation.from_json` returns."""
    assert read_conversation(text) == core.Conversation.from_json(text)


@pytest.mark.parametrize(
    ("message", "path", "problem"),
    [
        (5, "messages[0]", "Input should be an object"),
        ({"role": "user"}, "messages[0].content", "Field required"),
        ({"role": "user", "content": "", "name": 5}, "messages[0].name", "valid string, found 5"),
        (
            {"role": "user", "content": "", "recipient": ["all"]},
            "messages[0].recipient",
            "Input should be a valid string",
        ),
        (
            {"role": "user", "content": {"type": "text", "text": ""}},
            "messages[0].content",
            "Input should be a string or a list of contents",
        ),
        (
            {"role": "user", "content": ["text"]},
            "messages[0].content[0]",
            "Input should be an object with type 'text', 'system_content' or 'developer_content', "
            'found "text"',
        ),
        (
            {"role": "user", "content": [{"type": ["text"], "text": ""}]},
            "messages[0].content[0]",
            "Input should be an object with type",
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text"}]},
            "messages[0].content[1].text",
            "Field required",
        ),
    ],
)
def test_an_error_names_the_path(message: object, path: str, problem: str) -> None:
    """Each part is checked, those that the reference accepts unchecked included."""
    with pytest.raises(CanonicalJsonError, match=r"^messages\[0\]") as caught:
        read_conversation(json.dumps({"messages": [message]}))
    assert caught.value.path == path
    assert problem in caught.value.problem
    assert caught.value.position is None
    assert str(caught.value) == f"{path}: {caught.value.problem}"


def test_messages_must_be_a_list() -> None:
    """An object of messages is refused."""
    with pytest.raises(CanonicalJsonError, match=r"^messages: Input should be a list of messages$"):
        read_conversation('{"messages": {}}')


def test_an_error_of_the_text_has_a_position() -> None:
    """If the text is not JSON, the error says after how many characters."""
    with pytest.raises(CanonicalJsonError, match=r"^not JSON: ") as caught:
        read_conversation('{"messages": }')
    assert (caught.value.path, caught.value.position) == ("", 13)
