"""Renders that say whose each token is, and what part of the message."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from harmony_server import core
from harmony_server.core import (
    AnalysisRule,
    Author,
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    Rendered,
    Role,
    SystemContent,
    TextContent,
    TokenPart,
    ToolDescription,
)
from harmony_server.core.bounds import MAX_ENCODED_CHARACTERS_AT_ONCE
from harmony_server.core.events import MessageCompleted
from harmony_server.core.parse_options import ParseOptions
from tests.strategies.build import conversation_from_dict, message_from_dict
from tests.strategies.conversations import conversations
from tests.strategies.messages import messages
from tests.support.encodings import encoding

_USER = Message.from_role_and_content(Role.USER, "Rain?")
_THOUGHT = Message.from_role_and_content(Role.ASSISTANT, "Ask.").with_channel("analysis")
_CALL = (
    Message.from_role_and_content(Role.ASSISTANT, "{}")
    .with_channel("commentary")
    .with_recipient("functions.w")
    .with_content_type("<|constrain|>json")
)
_RESULT = (
    Message.from_author_and_content(Author.new(Role.TOOL, "functions.w"), "yes")
    .with_channel("commentary")
    .with_recipient("assistant")
)
_ANSWER = Message.from_role_and_content(Role.ASSISTANT, "Yes.").with_channel("final")


def _conversation(*conversation: Message) -> Conversation:
    return Conversation.from_messages(list(conversation))


def _described(rendered: Rendered) -> list[str]:
    """Returns each run as message, part, range and text."""
    return [
        f"{run.message} {run.part.name} {run.begin}..{run.end} "
        f"{encoding().decode(rendered.tokens[run.begin : run.end])!r}"
        for run in rendered
    ]


def test_every_part_of_a_call_and_its_result() -> None:
    """Every part of a header is a run of its own."""
    rendered = encoding().render_conversation_attributed(_conversation(_CALL, _RESULT))
    assert _described(rendered) == [
        "0 START 0..1 '<|start|>'",
        "0 AUTHOR 1..2 'assistant'",
        "0 RECIPIENT 2..6 ' to=functions.w'",
        "0 CHANNEL 6..9 '<|channel|>commentary'",
        "0 CONTENT_TYPE 9..12 ' <|constrain|>json'",
        "0 MESSAGE 12..13 '<|message|>'",
        "0 CONTENT 13..14 '{}'",
        "0 STOP 14..15 '<|call|>'",
        "1 START 15..16 '<|start|>'",
        "1 AUTHOR 16..18 'functions.w'",
        "1 RECIPIENT 18..21 ' to=assistant'",
        "1 CHANNEL 21..24 '<|channel|>commentary'",
        "1 MESSAGE 24..25 '<|message|>'",
        "1 CONTENT 25..26 'yes'",
        "1 STOP 26..27 '<|end|>'",
    ]


def test_a_name_is_a_run_of_its_own() -> None:
    """The name of an author that is not a tool follows the role, in a run of its own."""
    message = Message.from_author_and_content(Author.new(Role.USER, "bob"), "Hi")
    assert _described(encoding().render_attributed(message))[1:4] == [
        "0 AUTHOR 1..2 'user'",
        "0 NAME 2..4 ':bob'",
        "0 MESSAGE 4..5 '<|message|>'",
    ]


def test_several_contents() -> None:
    """Each content has a run; a content without text has none."""
    contents = [TextContent(text="a"), TextContent(text=""), TextContent(text="b")]
    message = Message.from_role_and_contents(Role.USER, contents)
    rendered = encoding().render_attributed(message)
    assert [
        (run.content, encoding().decode(rendered.tokens[run.begin : run.end]))
        for run in rendered
        if run.part is TokenPart.CONTENT
    ] == [(0, "a"), (2, "b")]
    assert rendered.content_range(0, 1) is None
    assert rendered.content_range(0, 2) == (4, 5)


def test_messages_left_out_keep_their_indices() -> None:
    """A message that is left out has no run; those behind it keep their indices."""
    history = _conversation(_USER, _THOUGHT, _ANSWER)
    rendered = encoding().render_conversation_attributed(history)
    assert sorted({run.message for run in rendered}) == [0, 2]
    assert rendered.message_range(1) is None
    assert rendered.message_range(0) == (0, 6)
    prompt = encoding().render_conversation_attributed(history, next_turn_role=Role.USER)
    assert [run.message for run in prompt][-3:] == [2, 3, 3]


def test_a_long_content_is_one_run() -> None:
    """A content that is encoded in parts is one run, however it was rendered."""
    text = "It rains. " * (MAX_ENCODED_CHARACTERS_AT_ONCE // 5)
    history = _conversation(Message.from_role_and_content(Role.USER, text))
    fresh = HarmonyEncoding("HarmonyGptOss")
    fresh.render_cache = None
    rendered = fresh.render_conversation_attributed(history)
    assert [run.part.name for run in rendered] == ["START", "AUTHOR", "MESSAGE", "CONTENT", "STOP"]
    assert rendered.content_range(0, 0) == (3, len(rendered.tokens) - 1)


def test_the_end_of_a_prompt_belongs_to_the_next_message() -> None:
    """`<|start|>` and the role at the end count as the message that comes next."""
    rendered = encoding().render_conversation_attributed(
        _conversation(_USER), next_turn_role=Role.ASSISTANT
    )
    assert _described(rendered)[-2:] == ["1 START 6..7 '<|start|>'", "1 AUTHOR 7..8 'assistant'"]


def test_the_end_of_a_training_example() -> None:
    """The `<|return|>` of a training example is the last message's stop token."""
    rendered = encoding().render_conversation_attributed(
        _conversation(_USER, _ANSWER), for_training=True
    )
    assert _described(rendered)[-1] == "1 STOP 13..14 '<|return|>'"


def test_a_remembered_message_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a message that was rendered without them come without encoding its content again."""
    fresh = HarmonyEncoding("HarmonyGptOss")
    history = _conversation(_USER, _CALL)
    tokens = fresh.render_conversation(history)

    def refuse(text: str) -> None:
        raise AssertionError(f"encoded {text!r} again")

    monkeypatch.setattr(fresh._tokenizer, "encode_ordinary_in_parts", refuse)
    rendered = fresh.render_conversation_attributed(history)
    assert rendered.tokens == tokens
    assert list(rendered) == list(encoding().render_conversation_attributed(history))
    again = fresh.render_conversation_attributed(history)
    assert list(again) == list(rendered)


def test_tools_change_the_runs_of_a_system_message() -> None:
    """A system message is longer in a conversation with function tools, and so is its run."""
    system = Message.from_role_and_content(Role.SYSTEM, SystemContent.new())
    tool = ToolDescription.new("w", "Weather.", {"type": "object"})
    developer = Message.from_role_and_content(
        Role.DEVELOPER, DeveloperContent.new().with_function_tools([tool])
    )
    alone = encoding().render_conversation_attributed(_conversation(system))
    beside = encoding().render_conversation_attributed(_conversation(system, developer))
    alone_range, beside_range = alone.content_range(0, 0), beside.content_range(0, 0)
    assert alone_range is not None
    assert beside_range is not None
    text = encoding().decode(beside.tokens[slice(*beside_range)])
    assert text.endswith("must go to the commentary channel: 'functions'.")
    assert beside_range.end > alone_range.end


_RULES = st.sampled_from([None, *AnalysisRule])


@given(conversations(), _RULES, st.sampled_from([None, *Role]), st.booleans())
def test_attribution_changes_no_token(
    built: dict[str, Any], rule: AnalysisRule | None, role: Role | None, training: bool
) -> None:
    """The tokens are those of the renders without attribution; runs cover them without a gap."""
    conversation = conversation_from_dict(core, built)
    config = RenderConversationConfig(analysis=rule) if rule else None
    if training:
        role = None
    try:
        rendered = encoding().render_conversation_attributed(
            conversation, config, next_turn_role=role, for_training=training
        )
    except (core.RenderError, ValueError):
        reject()
    if training:
        expected = encoding().render_conversation_for_training(conversation, config)
    elif role is not None:
        expected = encoding().render_conversation_for_completion(conversation, role, config)
    else:
        expected = encoding().render_conversation(conversation, config)
    assert rendered.tokens == expected
    assert sum(rendered.runs.lengths) == len(expected)
    assert 0 not in rendered.runs.lengths
    keys = [(run.message, run.part, run.content) for run in rendered]
    assert len(set(keys)) == len(keys)
    assert [message for message, _, _ in keys] == sorted(message for message, _, _ in keys)


@given(conversations())
def test_parsing_finds_the_same_boundaries(built: dict[str, Any]) -> None:
    """A strict parse of the tokens finds each header and content where the runs have them."""
    conversation = conversation_from_dict(core, built)
    config = RenderConversationConfig(analysis=AnalysisRule.KEEP)
    try:
        rendered = encoding().render_conversation_attributed(conversation, config)
        events = encoding().parse_events(rendered.tokens, None, ParseOptions())
    except (core.ParseError, core.RenderError, ValueError):
        reject()
    completed = [event for event in events if isinstance(event, MessageCompleted)]
    # Blanks and empty names in headers do not parse back.
    assume(len(completed) == len(conversation.messages))
    for index, event in enumerate(completed):
        runs = [run for run in rendered if run.message == index]
        contents = [run for run in runs if run.part is TokenPart.CONTENT]
        (opened,) = (run.begin for run in runs if run.part is TokenPart.MESSAGE)
        assert event.header_range == (runs[0].end, opened)
        assert event.content_range == (opened + 1, runs[-1].begin)
        assert runs[-1].part is TokenPart.STOP
        assert sum(run.end - run.begin for run in contents) == (
            event.content_range.end - event.content_range.begin
        )


@given(messages(), st.booleans())
def test_the_reference_agrees_on_lengths(
    reference: ModuleType, reference_encoding: Any, built: dict[str, Any], tools: bool
) -> None:
    """The runs of a message add up to as many tokens as the reference renders it to."""
    options = core.RenderOptions(conversation_has_function_tools=tools)
    theirs = reference.RenderOptions(conversation_has_function_tools=tools)
    try:
        rendered = encoding().render_attributed(message_from_dict(core, built), options)
    except (core.RenderError, ValueError):
        reject()
    expected = reference_encoding.render(message_from_dict(reference, built), theirs)
    assert rendered.tokens == expected
    assert sum(rendered.runs.lengths) == len(expected)
