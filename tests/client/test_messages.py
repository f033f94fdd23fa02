"""The functions that build messages."""

from __future__ import annotations

import math
import pickle

import pytest

from harmony_client import (
    Author,
    BuiltinTool,
    ChannelConfig,
    Content,
    DeveloperContent,
    Message,
    ReasoningEffort,
    ResponseFormat,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
    assistant,
    developer,
    function,
    namespace,
    response_format,
    system,
    tool,
    user,
)


def text_message(author: Author, text: str, **fields: str) -> Message:
    """Spells out a message with one text."""
    return Message(author=author, content=[Content(text=TextContent(text=text))], **fields)


def test_user() -> None:
    """A user message is its text; a name is optional."""
    assert user("Hi") == text_message(Author(role=Role.ROLE_USER), "Hi")
    assert user("Hi", name="Ada").author.name == "Ada"
    assert not user("Hi").author.HasField("name")


def test_assistant() -> None:
    """Fields that are not given stay unset."""
    message = assistant("4", channel="final")
    assert message == text_message(Author(role=Role.ROLE_ASSISTANT), "4", channel="final")
    assert not message.HasField("recipient")
    assert not message.HasField("content_type")


def test_tool_call_and_answer() -> None:
    """A call names its recipient, an answer its author."""
    call = assistant(
        "{}",
        channel="commentary",
        recipient="functions.f",
        content_type="<|constrain|>json",
    )
    assert (call.recipient, call.content_type) == ("functions.f", "<|constrain|>json")
    answer = tool("functions.f", "1")
    author = Author(role=Role.ROLE_TOOL, name="functions.f")
    assert answer == text_message(author, "1", channel="commentary", recipient="assistant")


def test_a_tool_result_for_others() -> None:
    """Channel and recipient of a tool result can be others, or none."""
    author = Author(role=Role.ROLE_TOOL, name="python")
    assert tool("python", "1", channel="analysis", recipient=None, content_type="json") == (
        text_message(author, "1", channel="analysis", content_type="json")
    )
    assert tool("python", "1", channel=None, recipient="all") == (
        text_message(author, "1", recipient="all")
    )


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool"])
@pytest.mark.parametrize("name", ["{}", " {}", "{}:ada", "{} to=assistant", "{}\n"])
def test_names_of_tools_that_spell_a_role(role: str, name: str) -> None:
    """A tool whose message would be rendered as that of a role is refused."""
    with pytest.raises(ValueError, match="must not spell a role"):
        tool(name.format(role), "1")


@pytest.mark.parametrize("name", ["user_search", "functions.system", "systems", "tool.f", "System"])
def test_names_of_tools_that_only_contain_a_role(name: str) -> None:
    """Other names that contain a role are names."""
    assert tool(name, "1").author.name == name


def test_system_without_arguments_leaves_all_to_the_server() -> None:
    """Fields that are not given stay unset, so that the server's defaults apply."""
    assert system() == Message(
        author=Author(role=Role.ROLE_SYSTEM), content=[Content(system=SystemContent())]
    )


def test_system() -> None:
    """Every field of a system message can be given; enums by short name or value."""
    tools = [namespace("custom", [function("f", "F.")])]
    content = SystemContent(
        model_identity="You are a test.",
        reasoning_effort=ReasoningEffort.REASONING_EFFORT_HIGH,
        conversation_start_date="2025-06-28",
        knowledge_cutoff="2025-01",
        channel_config=ChannelConfig(valid_channels=["final"], channel_required=True),
        builtin_tools=[BuiltinTool.BUILTIN_TOOL_BROWSER, BuiltinTool.BUILTIN_TOOL_PYTHON],
        tools=tools,
        no_defaults=True,
    )
    message = system(
        model_identity="You are a test.",
        reasoning_effort="high",
        conversation_start_date="2025-06-28",
        knowledge_cutoff="2025-01",
        required_channels=["final"],
        builtin_tools=["browser", BuiltinTool.BUILTIN_TOOL_PYTHON],
        tools=tools,
        no_defaults=True,
    )
    assert message.content[0].system == content


def test_unknown_effort_is_refused() -> None:
    """The error for an unknown name lists the valid ones."""
    with pytest.raises(ValueError, match="unknown name 'maximum'; choose from low, medium, high"):
        system(reasoning_effort="maximum")


def test_unspecified_is_not_a_name() -> None:
    """The zero value of an enum has no short name."""
    with pytest.raises(ValueError, match="unspecified"):
        system(builtin_tools=["unspecified"])


def test_developer() -> None:
    """Functions become the namespace `functions`, after other namespaces."""
    other = namespace("other", [], description="Nothing.")
    described = function("f", "F.")
    assert developer("Be brief.", functions=[described], tools=[other]) == Message(
        author=Author(role=Role.ROLE_DEVELOPER),
        content=[
            Content(
                developer=DeveloperContent(
                    instructions="Be brief.",
                    tools=[other, ToolNamespaceConfig(name="functions", tools=[described])],
                )
            )
        ],
    )


def test_developer_without_functions_has_no_namespace() -> None:
    """The namespace `functions` changes the system message, so it is not sent empty."""
    assert not developer("Be brief.", functions=[]).content[0].developer.tools


def test_function_parameters_keep_order_numbers_and_characters() -> None:
    """The order of keys, the kind of numbers and every character survive."""
    parameters = {"z": 1, "a": 1.0, "big": 2**70, "é": "日本", "deep": {"y": None, "b": [True]}}
    text = (
        '{"z": 1, "a": 1.0, "big": 1180591620717411303424, "é": "日本", '
        '"deep": {"y": null, "b": [true]}}'
    )
    assert function("f", "F.", parameters).parameters_json == text


def test_function_parameters_as_text_are_sent_as_they_are() -> None:
    """JSON text is not parsed, so even the spelling of its numbers survives."""
    text = '{ "maximum" : 1.50e3 }'
    assert function("f", "F.", text).parameters_json == text


def test_function_without_parameters() -> None:
    """Missing parameters stay unset; they do not become an empty schema."""
    assert function("f", "F.") == ToolDescription(name="f", description="F.")
    assert function("f", "F.", {}).parameters_json == "{}"


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_json_lacks_are_refused(number: float) -> None:
    """NaN and the infinities never reach the server."""
    with pytest.raises(ValueError, match="JSON"):
        function("f", "F.", {"maximum": number})


def test_messages_can_be_pickled() -> None:
    """Messages can cross process boundaries, as in worker pools."""
    message = user("Hi")
    assert pickle.loads(pickle.dumps(message)) == message


def test_response_formats() -> None:
    """A developer message takes formats, whose schema is a dict or JSON text."""
    formats = [
        response_format("list", {"b": "é", "a": 1.0}, description="A list."),
        response_format("any", ' {"type":"object"} '),
    ]
    message = developer(response_formats=formats)
    assert list(message.content[0].developer.response_formats) == [
        ResponseFormat(name="list", description="A list.", schema_json='{"b": "é", "a": 1.0}'),
        ResponseFormat(name="any", schema_json=' {"type":"object"} '),
    ]
    with pytest.raises(ValueError, match="Out of range"):
        response_format("nan", {"a": math.nan})
