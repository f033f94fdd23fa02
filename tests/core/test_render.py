"""Messages and conversations to tokens, rule by rule, with results taken from the reference."""

import pytest

from harmony_server import core
from tests.core.prompts import developer_text, system_text, text_of
from tests.support.encodings import encoding

_USER = core.Message.from_role_and_content(core.Role.USER, "u")


def _assistant(channel: str, text: str) -> core.Message:
    return core.Message.from_role_and_content(core.Role.ASSISTANT, text).with_channel(channel)


def _conversation_text(messages: list[core.Message], *, auto_drop: bool = True) -> str:
    config = core.RenderConversationConfig(auto_drop_analysis=auto_drop)
    conversation = core.Conversation.from_messages(messages)
    return encoding().decode_utf8(encoding().render_conversation(conversation, config))


# Messages


def test_a_message_is_role_text_and_end() -> None:
    """A simple message is start, role, message, text, end."""
    message = core.Message.from_role_and_content(core.Role.USER, "Hello")
    assert encoding().render(message) == [200006, 1428, 200008, 13225, 200007]


def test_a_name_follows_the_role() -> None:
    """An author's name follows the role and a colon, and is encoded separately."""
    author = core.Author.new(core.Role.USER, "bob")
    message = core.Message.from_author_and_content(author, "Hi")
    assert encoding().render(message) == [200006, 1428, 87246, 630, 200008, 12194, 200007]


def test_a_tool_name_replaces_the_role() -> None:
    """A tool's name replaces the role; recipient and channel follow."""
    author = core.Author.new(core.Role.TOOL, "functions.f")
    message = core.Message.from_author_and_content(author, "{}")
    message.with_recipient("assistant").with_channel("commentary")
    assert encoding().render(message) == [
        *(200006, 44580, 1196, 316, 28, 173781),
        *(200005, 12606, 815, 200008, 12083, 200007),
    ]


def test_a_tool_without_a_name_is_an_error() -> None:
    """A tool message without a tool's name is an error."""
    message = core.Message.from_role_and_content(core.Role.TOOL, "x")
    with pytest.raises(core.RenderError, match="Tools should have a name!") as caught:
        encoding().render(message)
    assert caught.value.field == "author.name"


def test_the_recipient_all_is_omitted() -> None:
    """The recipient `all` is omitted, yet the assistant's message still ends with `<|call|>`."""
    message = core.Message.from_role_and_content(core.Role.ASSISTANT, "x").with_recipient("all")
    assert text_of(message) == "<|start|>assistant<|message|>x<|call|>"


def test_only_assistant_messages_end_with_call() -> None:
    """Of messages with a recipient, only the assistant's end with `<|call|>`."""
    message = core.Message.from_role_and_content(core.Role.USER, "x").with_recipient("f")
    assert text_of(message) == "<|start|>user to=f<|message|>x<|end|>"


def test_a_constrained_content_type() -> None:
    """A leading `<|constrain|>` becomes a space and the special token, encoded separately."""
    message = (
        core.Message.from_role_and_content(core.Role.ASSISTANT, "{}")
        .with_recipient("functions.f")
        .with_channel("commentary")
        .with_content_type("<|constrain|>json")
    )
    assert encoding().render(message) == [
        *(200006, 173781, 316, 28, 44580, 1196, 200005, 12606, 815),
        *(220, 200003, 4108, 200008, 12083, 200012),
    ]


def test_a_constraint_without_a_type() -> None:
    """A content type of just `<|constrain|>` is a space and the special token."""
    message = core.Message.from_role_and_content(core.Role.ASSISTANT, "{}")
    message.with_channel("commentary").with_content_type("<|constrain|>")
    assert encoding().render(message) == [
        *(200006, 173781, 200005, 12606, 815, 220, 200003, 200008, 12083, 200007),
    ]


def test_a_plain_content_type() -> None:
    """Any other content type is a space and text."""
    message = core.Message.from_role_and_content(core.Role.ASSISTANT, "{}")
    message.with_content_type("json")
    assert encoding().render(message) == [200006, 173781, 5701, 200008, 12083, 200007]


def test_a_constraint_further_in_is_text() -> None:
    """`<|constrain|>` becomes the special token only at the beginning of a content type."""
    message = core.Message.from_role_and_content(core.Role.ASSISTANT, "{}")
    message.with_content_type("x<|constrain|>json")
    assert encoding().render(message) == [
        *(200006, 173781, 1215, 27, 91, 542, 141043, 91, 29, 4108, 200008, 12083, 200007),
    ]


def test_spellings_of_special_tokens_stay_text() -> None:
    """Text that looks like a special token never becomes one."""
    message = core.Message.from_role_and_content(core.Role.USER, "<|end|><|start|>")
    assert encoding().render(message) == [
        *(200006, 1428, 200008, 27, 91, 419, 91, 3784, 91, 5236, 91, 29, 200007),
    ]


def test_contents_are_encoded_one_by_one() -> None:
    """Contents never share a token: `a` and `b` are two, though `ab` would be one."""
    contents = [core.TextContent(text=text) for text in ("a", "b", "")]
    message = core.Message.from_role_and_contents(core.Role.USER, contents)
    assert encoding().render(message) == [200006, 1428, 200008, 64, 65, 200007]


def test_a_message_without_content() -> None:
    """A message without content is rendered as its header and `<|end|>`."""
    message = core.Message.from_role_and_contents(core.Role.USER, [])
    assert encoding().render(message) == [200006, 1428, 200008, 200007]


def test_surrogate_pairs_are_joined() -> None:
    """Two surrogates that form a pair are rendered as one character."""
    halves = core.Message.from_role_and_content(core.Role.USER, "\ud83d\ude00")
    whole = core.Message.from_role_and_content(core.Role.USER, "😀")
    assert encoding().render(halves) == encoding().render(whole)


def test_a_lone_surrogate_is_an_error() -> None:
    """A lone surrogate cannot be rendered."""
    message = core.Message.from_role_and_content(core.Role.USER, "\ud800")
    with pytest.raises(ValueError, match="invalid message JSON"):
        encoding().render(message)


@pytest.mark.parametrize(
    ("role", "content", "problem"),
    [
        (
            core.Role.USER,
            core.SystemContent.new(),
            "SystemContent may only appear in system messages, found in User",
        ),
        (
            core.Role.SYSTEM,
            core.DeveloperContent.new(),
            "DeveloperContent may only appear in developer messages, found in System",
        ),
    ],
    ids=["system content", "developer content"],
)
def test_content_in_a_message_of_the_wrong_role(
    role: core.Role, content: core.Content, problem: str
) -> None:
    """System or developer content in a message of another role is an error."""
    message = core.Message.from_role_and_contents(role, [core.TextContent(text="t"), content])
    with pytest.raises(core.RenderError, match=problem) as caught:
        encoding().render(message)
    assert caught.value.field == "content[1]"


# System content


def test_the_default_system_content() -> None:
    """The default system content shows identity, cutoff, effort and channels."""
    assert system_text(core.SystemContent.new()) == (
        "You are ChatGPT, a large language model trained by OpenAI.\n"
        "Knowledge cutoff: 2024-06\n"
        "\n"
        "Reasoning: medium\n"
        "\n"
        "# Valid channels: analysis, commentary, final. "
        "Channel must be included for every message."
    )


def test_an_empty_system_content() -> None:
    """A system content without any field set is rendered as empty text."""
    content = core.SystemContent(
        model_identity=None, reasoning_effort=None, knowledge_cutoff=None, channel_config=None
    )
    assert system_text(content) == ""


def test_the_date_and_channels_that_are_not_required() -> None:
    """The date follows the cutoff, and optional channels are only listed."""
    content = (
        core.SystemContent.new()
        .with_model_identity("I")
        .with_conversation_start_date("2025-06-28")
        .with_reasoning_effort(core.ReasoningEffort.HIGH)
        .with_channel_config(core.ChannelConfig(valid_channels=["a"], channel_required=False))
    )
    assert system_text(content) == (
        "I\nKnowledge cutoff: 2024-06\nCurrent date: 2025-06-28\n\n"
        "Reasoning: high\n\n# Valid channels: a."
    )


def test_an_empty_list_of_channels_has_no_section() -> None:
    """With an empty list of channels there is no channel section, even if one is required."""
    content = core.SystemContent.new().with_required_channels([])
    assert system_text(content).endswith("Reasoning: medium")


def test_function_tools_add_a_line_to_the_channels() -> None:
    """With function tools, the system message says which channel to use for calls."""
    message = core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new())
    options = core.RenderOptions(conversation_has_function_tools=True)
    assert (
        encoding()
        .decode_utf8(encoding().render(message, options))
        .endswith(
            "# Valid channels: analysis, commentary, final. "
            "Channel must be included for every message.\n"
            "Calls to these tools must go to the commentary channel: 'functions'.<|end|>"
        )
    )


def test_tools_of_a_system_content_come_before_the_channels() -> None:
    """The tools section comes between the reasoning effort and the channels."""
    namespace = core.ToolNamespaceConfig(name="n", description="D", tools=[])
    assert system_text(core.SystemContent.new().with_tools(namespace)).endswith(
        "Reasoning: medium\n\n# Tools\n\n## n\n\nD\n\n"
        "# Valid channels: analysis, commentary, final. "
        "Channel must be included for every message."
    )


# Developer content and tools


def test_an_empty_developer_content() -> None:
    """A developer content without any field set is rendered as empty text."""
    assert developer_text(core.DeveloperContent.new()) == ""


def test_instructions_have_a_heading() -> None:
    """Instructions come after a heading and an empty line."""
    content = core.DeveloperContent.new().with_instructions("Be\nkind")
    assert developer_text(content) == "# Instructions\n\nBe\nkind"


def test_a_tool_with_and_without_parameters() -> None:
    """Each line of a tool's description is a comment; empty parameters count as parameters."""
    tools = [
        core.ToolDescription.new("t", "D1\nD2"),
        core.ToolDescription.new("u", "", parameters={}),
    ]
    content = core.DeveloperContent.new().with_instructions("I").with_function_tools(tools)
    assert developer_text(content) == (
        "# Instructions\n"
        "\n"
        "I\n"
        "\n"
        "# Tools\n"
        "\n"
        "## functions\n"
        "\n"
        "namespace functions {\n"
        "\n"
        "// D1\n"
        "// D2\n"
        "type t = () => any;\n"
        "\n"
        "type u = (_: any) => any;\n"
        "\n"
        "} // namespace functions"
    )


def test_the_description_of_a_namespace_with_tools_is_a_comment() -> None:
    """Each line, split at LF or CR LF, is a comment, except for an empty last line."""
    tool = core.ToolDescription.new("t", "")
    namespace = core.ToolNamespaceConfig(name="z", description="L1\r\nL2\n\nL4\rL4\n", tools=[tool])
    assert developer_text(core.DeveloperContent.new().with_tools(namespace)) == (
        "# Tools\n\n## z\n\n// L1\n// L2\n// \n// L4\rL4\nnamespace z {\n\n"
        "type t = () => any;\n\n} // namespace z"
    )


def test_the_description_of_a_namespace_without_tools_is_text() -> None:
    """A namespace without tools is a heading and its description, unchanged."""
    namespace = core.ToolNamespaceConfig(name="a", description="only\ntext", tools=[])
    assert developer_text(core.DeveloperContent.new().with_tools(namespace)) == (
        "# Tools\n\n## a\n\nonly\ntext"
    )


def test_namespaces_are_sorted_by_their_keys() -> None:
    """Namespaces are sorted by key, in code point order, and shown by name."""
    tools = {
        "b": {"name": "first", "tools": []},
        "a": {"name": "second", "tools": []},
        "C": {"name": "third", "tools": []},
    }
    assert developer_text(core.DeveloperContent.from_dict({"tools": tools})) == (
        "# Tools\n\n## third\n\n\n## second\n\n\n## first\n"
    )


# Conversations


def test_analysis_before_the_first_final_message_is_dropped() -> None:
    """Once the last turn has its answer, analysis before the first final message is dropped."""
    messages = [_USER, _assistant("analysis", "A"), _assistant("commentary", "c")]
    messages += [_assistant("final", "F"), _USER]
    assert _conversation_text(messages) == (
        "<|start|>user<|message|>u<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>c<|end|>"
        "<|start|>assistant<|channel|>final<|message|>F<|end|>"
        "<|start|>user<|message|>u<|end|>"
    )


def test_analysis_after_the_first_final_message_is_kept() -> None:
    """Analysis of later turns is kept."""
    messages = [_USER, _assistant("analysis", "A"), _assistant("final", "F")]
    messages += [_assistant("analysis", "B"), _assistant("final", "G")]
    assert _conversation_text(messages) == (
        "<|start|>user<|message|>u<|end|>"
        "<|start|>assistant<|channel|>final<|message|>F<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>B<|end|>"
        "<|start|>assistant<|channel|>final<|message|>G<|end|>"
    )


def test_nothing_is_dropped_while_the_assistant_thinks() -> None:
    """If the last assistant message is not final, all analysis is kept."""
    messages = [_assistant("analysis", "A"), _assistant("final", "F"), _assistant("analysis", "B")]
    assert _conversation_text(messages) == (
        "<|start|>assistant<|channel|>analysis<|message|>A<|end|>"
        "<|start|>assistant<|channel|>final<|message|>F<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>B<|end|>"
    )


def test_nothing_is_dropped_if_the_config_says_so() -> None:
    """With `auto_drop_analysis` off, all analysis is kept."""
    messages = [_assistant("analysis", "A"), _assistant("final", "F")]
    assert _conversation_text(messages, auto_drop=False) == (
        "<|start|>assistant<|channel|>analysis<|message|>A<|end|>"
        "<|start|>assistant<|channel|>final<|message|>F<|end|>"
    )


def test_function_tools_of_a_conversation_reach_its_system_message() -> None:
    """If the developer message has function tools, the system message names their channel."""
    system = core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new())
    line = "Calls to these tools must go to the commentary channel: 'functions'."
    tool = core.ToolDescription.new("t", "")
    with_tool = core.DeveloperContent.new().with_function_tools([tool])
    without_tool = core.DeveloperContent.new().with_function_tools([])
    for content, named in [(with_tool, True), (without_tool, False)]:
        developer = core.Message.from_role_and_content(core.Role.DEVELOPER, content)
        assert (line in _conversation_text([system, developer])) is named


def test_a_prompt_ends_with_the_next_role() -> None:
    """A conversation rendered for completion ends with `<|start|>` and the next role."""
    conversation = core.Conversation.from_messages([_USER])
    assert encoding().render_conversation_for_completion(conversation, core.Role.ASSISTANT) == [
        *(200006, 1428, 200008, 84, 200007, 200006, 173781)
    ]


def test_a_prompt_of_an_empty_conversation() -> None:
    """An empty conversation gives only `<|start|>` and the next role, a tool as the word `tool`."""
    conversation = core.Conversation.from_messages([])
    tokens = encoding().render_conversation_for_completion(conversation, core.Role.TOOL)
    assert tokens == [200006, 17952]


def test_training_ends_a_final_answer_with_return() -> None:
    """Rendered for training, a final answer at the end has `<|return|>`."""
    conversation = core.Conversation.from_messages([_USER, _assistant("final", "F")])
    assert encoding().render_conversation_for_training(conversation) == [
        *(200006, 1428, 200008, 84, 200007, 200006, 173781, 200005, 17196, 200008, 37, 200002)
    ]


def test_training_leaves_other_ends_alone() -> None:
    """Rendered for training, any other conversation keeps its last token, if it has one."""
    conversation = core.Conversation.from_messages([_USER, _assistant("analysis", "F")])
    assert encoding().render_conversation_for_training(conversation)[-1] == 200007
    assert encoding().render_conversation_for_training(core.Conversation.from_messages([])) == []


def test_an_error_in_a_conversation_names_the_message() -> None:
    """An error's field has the message's index, counting dropped messages too."""
    bad = core.Message.from_role_and_contents(core.Role.USER, [core.SystemContent.new()])
    conversation = core.Conversation.from_messages(
        [_assistant("analysis", "A"), _assistant("final", "F"), bad]
    )
    with pytest.raises(core.RenderError) as caught:
        encoding().render_conversation(conversation)
    assert caught.value.field == "messages[2].content[0]"


@pytest.mark.parametrize("field", ["knowledge_cutoff", "conversation_start_date"])
def test_a_text_field_set_to_a_number_is_refused(field: str) -> None:
    """A field set to a value of the wrong type after construction is an error."""
    content = core.SystemContent.new()
    setattr(content, field, 5)
    with pytest.raises((TypeError, ValueError)):
        system_text(content)
