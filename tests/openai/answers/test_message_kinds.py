"""What each message of the model is to the client."""

import pytest

from harmony_server.core import Role
from harmony_server.core.events import Header
from harmony_server.openai.answer_context import DeclaredTool, ToolKind
from harmony_server.openai.answers.message_kind import Classifier, MessageKind

from .asking import NEXT, Streamed, chat, message

_FLAT = DeclaredTool(ToolKind.FUNCTION, "functions", "maps__find", "find", "maps")
_NATIVE = DeclaredTool(ToolKind.CUSTOM, "docs", "search", "search", "docs")
_OTHER = DeclaredTool(ToolKind.FUNCTION, "web", "search", "search", "web")
_RENAMED = DeclaredTool(ToolKind.FUNCTION, "functions", "Web_Search", "Web Search")
_TOOLS = (_FLAT, _NATIVE, _OTHER, _RENAMED)


@pytest.mark.parametrize("channel", ["analysis", "commentary", "final", None, "other"])
@pytest.mark.parametrize(
    ("recipient", "tool"),
    [
        ("functions.maps__find", _FLAT),
        ("maps__find", _FLAT),
        ("maps.find", _FLAT),
        ("functions.maps.find", _FLAT),
        ("find", _FLAT),
        ("docs.search", _NATIVE),
        ("functions.docs.search", _NATIVE),
        ("docs__search", _NATIVE),
        ("web.search", _OTHER),
        ("functions.Web_Search", _RENAMED),
        ("Web_Search", _RENAMED),
    ],
)
def test_a_declared_tool_is_called(channel: str | None, recipient: str, tool: DeclaredTool) -> None:
    """A recipient that only one tool can be is a call of it, on any channel."""
    found = Classifier(chat(tools=_TOOLS)).classify(
        Header(Role.ASSISTANT, None, recipient, channel)
    )
    assert (found.kind, found.tool, found.name, found.is_undeclared) == (
        MessageKind.CALL,
        tool,
        tool.name,
        False,
    )


@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        ("functions.book", "book"),
        ("book", "book"),
        ("python", "python"),
        ("container.exec", "container.exec"),
        ("functions.", "functions."),
        # Two tools have it.
        ("search", "search"),
        ("functions.search", "search"),
    ],
)
def test_an_undeclared_tool_is_called_as_written(recipient: str, name: str) -> None:
    """Where tools are declared, any other recipient is a call too, and counted."""
    found = Classifier(chat(tools=_TOOLS)).classify(
        Header(Role.ASSISTANT, None, recipient, "analysis")
    )
    assert (found.kind, found.tool, found.name, found.is_undeclared) == (
        MessageKind.CALL,
        None,
        name,
        True,
    )


@pytest.mark.parametrize("recipient", [None, "assistant", "user", "all"])
@pytest.mark.parametrize(
    ("channel", "kind", "json_kind"),
    [
        ("analysis", MessageKind.REASONING, MessageKind.REASONING),
        ("commentary", MessageKind.PREAMBLE, MessageKind.REASONING),
        ("final", MessageKind.CONTENT, MessageKind.CONTENT),
        (None, MessageKind.CONTENT, MessageKind.CONTENT),
        ("thoughts", MessageKind.CONTENT, MessageKind.CONTENT),
    ],
)
def test_the_channel_decides_for_readers(
    recipient: str | None, channel: str | None, kind: MessageKind, json_kind: MessageKind
) -> None:
    """Without a recipient to call, the channel decides; with JSON content preambles are reasoning.

    The content type decides nothing.
    """
    for content_type in (None, "json", "<|constrain|>json", "code"):
        header = Header(Role.ASSISTANT, None, recipient, channel, content_type)
        assert Classifier(chat()).classify(header).kind is kind
        assert Classifier(chat(json_content=True)).classify(header).kind is json_kind


def test_without_tools_a_call_is_text_by_its_channel() -> None:
    """Where no tools are declared, the channel decides, and the recipient is counted."""
    for channel, kind in (
        ("analysis", MessageKind.REASONING),
        ("commentary", MessageKind.PREAMBLE),
        ("final", MessageKind.CONTENT),
    ):
        header = Header(Role.ASSISTANT, None, "functions.f", channel)
        found = Classifier(chat(tools=())).classify(header)
        assert (found.kind, found.is_undeclared) == (kind, True)


@pytest.mark.parametrize("role", [Role.USER, Role.TOOL, Role.SYSTEM, Role.DEVELOPER])
def test_another_role_is_reasoning(role: Role) -> None:
    """A made-up turn or result is never shown as an answer or a call."""
    header = Header(role, None, "functions.get_weather", "final")
    assert Classifier(chat()).classify(header).kind is MessageKind.REASONING


def test_an_undeclared_call_reaches_the_client() -> None:
    """The client's agent answers that there is no such tool; the caller counts it."""
    text = "<|channel|>analysis to=container.exec code<|message|>ls -l<|call|>"
    (call,) = message(chat(), text)["tool_calls"]
    assert call["function"] == {"name": "container.exec", "arguments": "ls -l"}
    assert Streamed(chat(), text).result.outcomes[0].undeclared_calls == 1


def test_a_made_up_result_is_reasoning_in_the_answer() -> None:
    """What the model makes up behind a call is shown as reasoning."""
    text = (
        "<|channel|>commentary to=functions.get_weather json<|message|>{}<|call|>"
        "<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>Sunny<|end|>"
    )
    found = message(chat(), text)
    assert found["content"] is None
    assert found["reasoning"] == "Sunny"
    assert NEXT not in found["reasoning"]
