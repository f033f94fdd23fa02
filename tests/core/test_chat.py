"""The data model: defaults, builders and canonical JSON."""

import json

import pytest
from pydantic import ValidationError

from harmony_server import core

_IDENTITY = "You are ChatGPT, a large language model trained by OpenAI."


# Defaults and builders


def test_roles_are_lower_case_strings() -> None:
    """A role is its lower-case name; any other name is a ValueError."""
    assert [role.value for role in core.Role] == [
        *("user", "assistant", "system", "developer", "tool")
    ]
    with pytest.raises(ValueError, match="Unknown role: 'bot'"):
        core.Role("bot")


def test_defaults_of_system_content() -> None:
    """A new system content has the standard identity, effort, cutoff and channels, and no tools."""
    content = core.SystemContent.new()
    assert content.model_identity == _IDENTITY
    assert content.reasoning_effort is core.ReasoningEffort.MEDIUM
    assert content.knowledge_cutoff == "2024-06"
    assert content.channel_config == core.ChannelConfig(
        valid_channels=["analysis", "commentary", "final"], channel_required=True
    )
    assert content.conversation_start_date is None
    assert content.tools is None


def test_defaults_are_not_shared() -> None:
    """Changing the channels of one system content does not affect the next one."""
    config = core.SystemContent.new().channel_config
    assert config is not None
    config.valid_channels.clear()
    assert core.SystemContent.new() == core.SystemContent()
    assert "commentary" in core.SystemContent.new().model_dump_json()


def test_builders_of_system_content() -> None:
    """Each builder sets its field and returns the same content."""
    content = core.SystemContent.new()
    channels = core.ChannelConfig(valid_channels=["a"], channel_required=False)
    namespace = core.ToolNamespaceConfig(name="n", tools=[])
    built = (
        content.with_model_identity("I")
        .with_reasoning_effort(core.ReasoningEffort.LOW)
        .with_conversation_start_date("2025-06-28")
        .with_knowledge_cutoff("K")
        .with_channel_config(channels)
        .with_tools(namespace)
        .with_browser_tool()
        .with_python_tool()
    )
    assert built is content
    assert content == core.SystemContent(
        model_identity="I",
        reasoning_effort=core.ReasoningEffort.LOW,
        conversation_start_date="2025-06-28",
        knowledge_cutoff="K",
        channel_config=channels,
        tools={
            "n": namespace,
            "browser": core.ToolNamespaceConfig.browser(),
            "python": core.ToolNamespaceConfig.python(),
        },
    )
    assert content.with_required_channels(["b"]).channel_config == core.ChannelConfig(
        valid_channels=["b"], channel_required=True
    )


def test_the_built_in_namespaces() -> None:
    """`browser` has three tools; `python` has only a description."""
    browser = core.ToolNamespaceConfig.browser()
    assert (browser.name, [tool.name for tool in browser.tools]) == (
        "browser",
        ["search", "open", "find"],
    )
    python = core.ToolNamespaceConfig.python()
    assert (python.name, python.tools) == ("python", [])
    assert python.description is not None
    assert python.description.startswith("Use this tool to execute Python code in your chain")


def test_builders_of_developer_content() -> None:
    """The builders set instructions and put function tools into the namespace `functions`."""
    tool = core.ToolDescription.new("t", "d", parameters={"type": "object"})
    content = core.DeveloperContent.new().with_instructions("I").with_function_tools([tool])
    assert content == core.DeveloperContent(
        instructions="I",
        tools={"functions": core.ToolNamespaceConfig(name="functions", tools=[tool])},
    )


def test_a_namespace_replaces_one_of_the_same_name() -> None:
    """Adding a namespace replaces an earlier one of the same name."""
    content = core.DeveloperContent.new()
    for description in ("first", "second"):
        content.with_tools(core.ToolNamespaceConfig(name="n", description=description, tools=[]))
    assert content.tools is not None
    assert [namespace.description for namespace in content.tools.values()] == ["second"]


def test_builders_of_messages() -> None:
    """A string becomes a text content, and each setter returns the same message."""
    message = core.Message.from_author_and_content(core.Author.new(core.Role.TOOL, "f"), "a")
    assert message.adding_content("b").with_channel("c") is message
    assert message.with_recipient("r").with_content_type("t") == core.Message(
        author=core.Author(role=core.Role.TOOL, name="f"),
        content=[core.TextContent(text="a"), core.TextContent(text="b")],
        channel="c",
        recipient="r",
        content_type="t",
    )
    contents = [core.TextContent(text="a"), core.TextContent(text="b")]
    assert core.Message.from_role_and_contents(core.Role.USER, contents).content == contents


def test_a_conversation_iterates_over_its_messages() -> None:
    """Iterating over a conversation yields its messages."""
    messages = [core.Message.from_role_and_content(core.Role.USER, text) for text in "ab"]
    assert list(core.Conversation.from_messages(messages)) == messages


def test_a_wrong_type_is_a_validation_error() -> None:
    """A value of the wrong type raises pydantic's ValidationError."""
    with pytest.raises(ValidationError):
        core.TextContent.model_validate({"text": 5})
    with pytest.raises(ValidationError):
        core.SystemContent.model_validate({"reasoning_effort": "low"})


# Canonical JSON


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            core.Message.from_role_and_content(core.Role.USER, "é"),
            '{"role": "user", "name": null, "content": [{"type": "text", "text": "\\u00e9"}]}',
        ),
        (
            core.Message.from_author_and_content(core.Author.new(core.Role.TOOL, "f"), "x")
            .with_content_type("t")
            .with_recipient("r")
            .with_channel("c"),
            '{"role": "tool", "name": "f", "content": [{"type": "text", "text": "x"}], '
            '"channel": "c", "recipient": "r", "content_type": "t"}',
        ),
        (
            core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new()),
            '{"role": "system", "name": null, "content": [{'
            f'"model_identity": "{_IDENTITY}", "reasoning_effort": "Medium", '
            '"knowledge_cutoff": "2024-06", "channel_config": {"valid_channels": '
            '["analysis", "commentary", "final"], "channel_required": true}, '
            '"type": "system_content"}]}',
        ),
        (
            core.Message.from_role_and_content(
                core.Role.SYSTEM,
                core.SystemContent(
                    model_identity=None,
                    reasoning_effort=None,
                    knowledge_cutoff=None,
                    channel_config=None,
                ),
            ),
            '{"role": "system", "name": null, "content": [{"type": "system_content"}]}',
        ),
        (
            core.Message.from_role_and_content(
                core.Role.DEVELOPER,
                core.DeveloperContent.new()
                .with_instructions("I")
                .with_function_tools(
                    [
                        core.ToolDescription.new("t", "d", parameters={"a": None}),
                        core.ToolDescription.new("u", ""),
                    ]
                ),
            ),
            '{"role": "developer", "name": null, "content": [{"instructions": "I", '
            '"tools": {"functions": {"name": "functions", "tools": ['
            '{"name": "t", "description": "d", "parameters": {"a": null}}, '
            '{"name": "u", "description": ""}]}}, "type": "developer_content"}]}',
        ),
    ],
    ids=["text", "all fields", "system", "empty system", "developer"],
)
def test_canonical_json_of_messages(message: core.Message, text: str) -> None:
    """Fields have a fixed order; unset ones are left out, except the name, which is null."""
    assert message.to_json() == text


def test_canonical_json_round_trips() -> None:
    """A message survives the round trip through canonical JSON."""
    tool = core.ToolDescription.new("t", "d", parameters={"b": None, "a": 1})
    content = core.DeveloperContent.new().with_instructions("I").with_function_tools([tool])
    message = core.Message.from_role_and_content(core.Role.DEVELOPER, content)
    message.adding_content("text").with_channel("c")
    assert core.Message.from_dict(json.loads(message.to_json())) == message


def test_canonical_json_of_conversations() -> None:
    """A conversation is an object with its messages under the key `messages`."""
    message = core.Message.from_role_and_content(core.Role.USER, "a")
    conversation = core.Conversation.from_messages([message])
    text = (
        '{"messages": [{"role": "user", "name": null, "content": [{"type": "text", "text": "a"}]}]}'
    )
    assert conversation.to_json() == text
    assert core.Conversation.from_json(text) == conversation
    assert core.Conversation.from_messages([]).to_json() == '{"messages": []}'


def test_content_may_be_a_plain_string() -> None:
    """A message read from JSON may have a string in place of a list with one text content."""
    message = core.Message.from_dict({"role": "assistant", "content": "hi", "channel": "final"})
    assert message == core.Message.from_role_and_content(core.Role.ASSISTANT, "hi").with_channel(
        "final"
    )


def test_missing_fields_of_a_system_content_have_defaults() -> None:
    """A system content read from JSON has the default for each missing field."""
    message = core.Message.from_dict({"role": "system", "content": [{"type": "system_content"}]})
    assert message.content == [core.SystemContent.new()]


@pytest.mark.parametrize("missing", ["role", "content"])
def test_a_missing_key_is_a_key_error(missing: str) -> None:
    """A message without a role or without content is a KeyError."""
    data = {"role": "user", "content": "x"}
    del data[missing]
    with pytest.raises(KeyError, match=missing):
        core.Message.from_dict(data)


@pytest.mark.parametrize("content", [{"type": "foo"}, {}])
def test_an_unknown_kind_of_content_is_a_value_error(content: dict[str, str]) -> None:
    """A content without a known type is a ValueError."""
    with pytest.raises(ValueError, match="Unknown content variant"):
        core.Message.from_dict({"role": "user", "content": [content]})


@pytest.mark.parametrize(
    ("text", "error"),
    [("", json.JSONDecodeError), ("{}", KeyError), ("[]", TypeError), ("null", TypeError)],
)
def test_invalid_conversation_json_is_an_error(text: str, error: type[Exception]) -> None:
    """Text that is not a conversation raises the same kind of error as in the reference."""
    with pytest.raises(error):
        core.Conversation.from_json(text)


def test_a_role_is_the_key_that_its_value_is() -> None:
    """A role finds what a dictionary has under the equal string, and the reverse."""
    assert {role.value: role for role in core.Role} == {role: role for role in core.Role}
    assert {"user": 1}[core.Role.USER] == 1
