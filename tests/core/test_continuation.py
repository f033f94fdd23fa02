"""Prompts that continue sampled tokens without encoding them again."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmony_server.core import (
    AnalysisRule,
    Continuation,
    Conversation,
    Message,
    RenderConversationConfig,
    RenderError,
    RenderOptions,
    Role,
    SystemContent,
    TokenPart,
)
from harmony_server.core.parse_options import ParseOptions
from harmony_server.core.tokenizer import END, MESSAGE, RETURN, START
from harmony_server.training import samples
from harmony_server.training.samples import SampleEnd
from tests.strategies.turns import call, conversations, result, said, user
from tests.support.encodings import encoding, tokens_of

_THOUGHT = "<|channel|>analysis<|message|>Ask.<|end|><|start|>assistant"
_CALL = "<|channel|>commentary to=functions.w <|constrain|>json<|message|>{}<|call|>"
_RESULT = (
    "<|start|>functions.w to=assistant<|channel|>commentary<|message|>yes<|end|><|start|>assistant"
)


def _continued(
    sampled: str, *messages: Message, keep_return: bool = False, role: Role | None = Role.ASSISTANT
) -> tuple[str, Continuation]:
    """Returns the text of the sampled tokens that stay and of those that follow."""
    tokens = tokens_of(sampled)
    found = encoding().continue_sampled(
        tokens, messages, Role.ASSISTANT, role=role, keep_return=keep_return
    )
    return encoding().decode(tokens[: found.kept] + found.tokens), found


def test_a_call_is_continued_as_it_was_sampled() -> None:
    """The recipient stays behind the channel, where the model wrote it."""
    text, found = _continued(_THOUGHT + _CALL, result("yes"))
    assert text == _THOUGHT + _CALL + _RESULT
    assert not found.closed
    assert [run.message for run in found.runs if run.part is TokenPart.START] == [0, 1]


def test_return_becomes_end() -> None:
    """A `<|return|>` does not stay; the history has `<|end|>` there."""
    sampled = "<|channel|>final<|message|>Hi<|return|>"
    text, found = _continued(sampled, user("More?"))
    assert text == (
        "<|channel|>final<|message|>Hi<|end|><|start|>user<|message|>More?<|end|><|start|>assistant"
    )
    assert found.closed
    assert found.kept == len(tokens_of(sampled)) - 1
    assert next(iter(found.runs)).part is TokenPart.START


def test_return_can_stay() -> None:
    """With `keep_return`, `<|return|>` stays and nothing closes the message."""
    text, found = _continued("<|channel|>final<|message|>Hi<|return|>", keep_return=True)
    assert text == "<|channel|>final<|message|>Hi<|return|><|start|>assistant"
    assert not found.closed


def test_a_content_that_was_cut_off_is_closed() -> None:
    """Tokens that end inside a content get an `<|end|>`."""
    text, found = _continued("<|channel|>final<|message|>Hi", user("More?"))
    assert text.startswith("<|channel|>final<|message|>Hi<|end|><|start|>user")
    assert found.closed


def test_a_long_content_that_was_cut_off_is_closed() -> None:
    """The last structural token is found however far back it is."""
    sampled = "<|channel|>final<|message|>" + "It rains. " * 1000
    text, found = _continued(sampled, user("More?"))
    assert text.startswith(sampled + "<|end|><|start|>user")
    assert found.closed


@pytest.mark.parametrize(
    ("sampled", "role", "problem"),
    [
        ("<|channel|>final", Role.ASSISTANT, "end inside a header"),
        ("", Role.ASSISTANT, "end inside a header"),
        (_THOUGHT, Role.ASSISTANT, "end inside a header"),
        ("", None, "end outside any message"),
        ("<|channel|>final<|message|>Hi<|end|>more", Role.ASSISTANT, "end outside any message"),
    ],
)
def test_tokens_that_end_elsewhere(sampled: str, role: Role | None, problem: str) -> None:
    """Tokens that end inside a header or outside any message cannot be continued."""
    with pytest.raises(RenderError, match=problem) as caught:
        encoding().continue_sampled(tokens_of(sampled), [], Role.ASSISTANT, role=role)
    assert caught.value.field == "sampled"


def test_the_conversation_has_tools() -> None:
    """The options say that the conversation brings tools, which new messages do not show."""
    system = Message.from_role_and_content(Role.SYSTEM, SystemContent.new())
    sampled = tokens_of("<|channel|>final<|message|>Hi<|end|>")
    found = encoding().continue_sampled(
        sampled,
        [system],
        Role.ASSISTANT,
        role=Role.ASSISTANT,
        options=RenderOptions(conversation_has_function_tools=True),
    )
    assert "must go to the commentary channel" in encoding().decode(found.tokens)


def test_options_that_exclude_each_other() -> None:
    """Dropping analysis needs the whole prompt, and a history."""
    sampled = tokens_of("<|start|>user<|message|>Hi<|end|>")
    for options in ({"role": Role.ASSISTANT}, {"keep_return": True}):
        with pytest.raises(ValueError, match="drop_analysis excludes"):
            encoding().continue_sampled(
                sampled,
                [],
                Role.ASSISTANT,
                drop_analysis=True,
                **options,
            )


def test_dropping_analysis() -> None:
    """The reasoning before an answer goes when the next user message has come."""
    sampled = tokens_of(
        "<|start|>user<|message|>Rain?<|end|><|start|>assistant"
        "<|channel|>analysis<|message|>Ask.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Yes.<|return|>"
    )
    found = encoding().continue_sampled(
        sampled, [user("More?")], Role.ASSISTANT, drop_analysis=True
    )
    [cut] = found.cuts
    assert encoding().decode(sampled[cut.begin : cut.end]) == (
        "<|start|>assistant<|channel|>analysis<|message|>Ask.<|end|>"
    )
    kept = encoding().continue_sampled(sampled, [], Role.ASSISTANT, drop_analysis=True)
    assert kept.cuts == []


def test_dropping_the_last_message() -> None:
    """Reasoning that was cut off and is left out needs no `<|end|>`."""
    question = "<|start|>user<|message|>Rain?<|end|>"
    sampled = tokens_of(f"{question}<|start|>assistant<|channel|>analysis<|message|>As")
    new = [said("final", "Yes."), user("More?")]
    found = encoding().continue_sampled(sampled, new, Role.ASSISTANT, drop_analysis=True)
    assert found.cuts == [(len(tokens_of(question)), len(sampled))]
    assert not found.closed
    assert found.tokens[0] == START


def test_dropping_analysis_from_malformed_tokens() -> None:
    """Where the messages cannot be told apart, nothing can be dropped."""
    with pytest.raises(RenderError) as caught:
        encoding().continue_sampled(
            tokens_of("Hello<|message|>a<|end|>"), [], Role.ASSISTANT, drop_analysis=True
        )
    assert caught.value.field == "sampled"


def _sampled(conversation: Conversation) -> list[int]:
    """Returns the tokens of a conversation, with the `<|return|>` of an answer at its end."""
    keep = RenderConversationConfig(analysis=AnalysisRule.KEEP)
    tokens = encoding().render_conversation(conversation, keep)
    found = samples(conversation.messages)
    ends_with_sample = found and found[-1].end == len(conversation.messages)
    if ends_with_sample and found[-1].ended_by is SampleEnd.ANSWER:
        tokens[-1] = RETURN
    return tokens


def _without(tokens: list[int], found: Continuation) -> list[int]:
    kept = tokens[: found.kept]
    for cut in reversed(found.cuts):
        del kept[cut.begin : cut.end]
    return kept + found.tokens


@given(
    conversations(), st.lists(st.sampled_from([user("Go"), result("r"), call("{}")]), max_size=3)
)
def test_continuing_a_canonical_sample(conversation: Conversation, new: list[Message]) -> None:
    """A sample in the renderer's own form continues to the render of all messages."""
    keep = RenderConversationConfig(analysis=AnalysisRule.KEEP)
    messages = conversation.messages
    found_samples = samples(messages)
    assume(found_samples and found_samples[-1].end == len(messages))
    last = found_samples[-1]
    prompt = encoding().render_conversation_for_completion(
        Conversation(messages=messages[: last.begin]), Role.ASSISTANT, keep
    )
    sampled = _sampled(conversation)[len(prompt) :]
    everything = Conversation(messages=[*messages, *new])
    found = encoding().continue_sampled(sampled, new, Role.ASSISTANT, role=Role.ASSISTANT)
    assert prompt + sampled[: found.kept] + found.tokens == (
        encoding().render_conversation_for_completion(everything, Role.ASSISTANT, keep)
    )
    assert sum(found.runs.lengths) + found.closed == len(found.tokens)


@given(conversations())
def test_dropping_as_the_rule_does(conversation: Conversation) -> None:
    """Cutting gives the render of all messages under CURRENT_TURN."""
    rule = RenderConversationConfig(analysis=AnalysisRule.CURRENT_TURN)
    assume(conversation.messages)
    tokens = _sampled(conversation)
    new = [user("Go")]
    found = encoding().continue_sampled(tokens, new, Role.ASSISTANT, drop_analysis=True)
    everything = Conversation(messages=[*conversation.messages, *new])
    assert _without(tokens, found) == encoding().render_conversation_for_completion(
        everything, Role.ASSISTANT, rule
    )


_TOKENS = st.lists(
    st.one_of(
        st.sampled_from([START, MESSAGE, END, RETURN, 200012, 200005]), st.integers(0, 199_997)
    ),
    max_size=40,
)


@given(_TOKENS)
def test_any_tokens_stay_as_they_are(sampled: list[int]) -> None:
    """What was sampled stays: a recovering parse of the next prompt finds it, then the new."""
    new = said("final", "new").with_content_type("text")
    try:
        found = encoding().continue_sampled(sampled, [new], Role.USER, role=Role.ASSISTANT)
    except RenderError:
        assume(False)
    assert found.kept in (len(sampled), len(sampled) - 1)
    whole = sampled[: found.kept] + found.tokens[:-2]
    recover = ParseOptions(recover=True)
    parsed = encoding().parse_messages_from_completion_tokens(
        whole, Role.ASSISTANT, options=recover
    )
    before = encoding().parse_messages_from_completion_tokens(
        sampled, Role.ASSISTANT, options=recover
    )
    assert parsed[:-1] == before
    assert parsed[-1] == new
