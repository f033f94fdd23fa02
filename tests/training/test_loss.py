"""Loss masks: which tokens carry loss under each policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.core import (
    AnalysisRule,
    Author,
    Conversation,
    Message,
    RenderConversationConfig,
    Role,
    TokenPart,
)
from harmony_server.training import (
    LossPolicy,
    TrainedMessages,
    TrainedTokens,
    loss_mask,
    samples,
)
from harmony_server.training.samples import SampleEnd
from tests.strategies.turns import TWO_TURNS, call, conversations, said, user
from tests.support.encodings import encoding

_CONFIG = RenderConversationConfig(analysis=AnalysisRule.CURRENT_TURN)
_KEEP = RenderConversationConfig(analysis=AnalysisRule.KEEP)
_BEGIN = "<|start|>user<|message|>2+2?<|end|>"
_FIRST_ANSWER = "<|start|>assistant<|channel|>final<|message|>4.<|end|>"
_QUESTION = "<|start|>user<|message|>Rain?<|end|>"


def _marked(conversation: Conversation, policy: LossPolicy) -> str:
    """Returns the text of a training example, with the trained parts in ⟦ ⟧."""
    rendered = encoding().render_conversation_attributed(conversation, _CONFIG, for_training=True)
    mask = loss_mask(conversation.messages, rendered, policy)
    parts = []
    was_trained = 0
    for token, trained in zip(rendered.tokens, mask, strict=True):
        if trained != was_trained:
            parts.append("⟦" if trained else "⟧")
        parts.append(encoding().decode([token]))
        was_trained = trained
    return "".join([*parts, "⟧" if was_trained else ""])


def test_last_turn() -> None:
    """By default, the sampled tokens of the last turn carry loss."""
    assert _marked(TWO_TURNS, LossPolicy()) == (
        _BEGIN
        + _FIRST_ANSWER
        + _QUESTION
        + "<|start|>assistant⟦<|channel|>analysis<|message|>Ask.<|end|><|start|>assistant"
        " to=functions.w<|channel|>commentary <|constrain|>json<|message|>{}<|call|>⟧"
        "<|start|>functions.w to=assistant<|channel|>commentary<|message|>yes<|end|>"
        "<|start|>assistant⟦<|channel|>analysis<|message|>So.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Yes.<|return|>⟧"
    )


def test_last_sample() -> None:
    """The last sample begins behind the last tool result."""
    assert _marked(TWO_TURNS, LossPolicy(TrainedMessages.LAST_SAMPLE)).endswith(
        "{}<|call|><|start|>functions.w to=assistant<|channel|>commentary<|message|>yes<|end|>"
        "<|start|>assistant⟦<|channel|>analysis<|message|>So.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Yes.<|return|>⟧"
    )
    assert _marked(TWO_TURNS, LossPolicy(TrainedMessages.LAST_SAMPLE)).count("⟦") == 1


def test_all() -> None:
    """An earlier answer carries loss without the `<|end|>` behind it, which is not sampled."""
    assert _marked(TWO_TURNS, LossPolicy(TrainedMessages.ALL)).startswith(
        _BEGIN
        + "<|start|>assistant⟦<|channel|>final<|message|>4.⟧<|end|>"
        + _QUESTION
        + "<|start|>assistant⟦<|channel|>analysis<|message|>Ask."
    )


def test_contents() -> None:
    """Contents and sampled stop tokens carry loss, headers do not."""
    assert _marked(TWO_TURNS, LossPolicy(tokens=TrainedTokens.CONTENT)).endswith(
        "<|message|>⟦Ask.<|end|>⟧<|start|>assistant to=functions.w<|channel|>commentary"
        " <|constrain|>json<|message|>⟦{}<|call|>⟧"
        "<|start|>functions.w to=assistant<|channel|>commentary<|message|>yes<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>⟦So.<|end|>⟧"
        "<|start|>assistant<|channel|>final<|message|>⟦Yes.<|return|>⟧"
    )


def test_whole_messages() -> None:
    """With MESSAGE, headers and the `<|end|>` of earlier answers carry loss too."""
    policy = LossPolicy(TrainedMessages.ALL, TrainedTokens.MESSAGE)
    assert _marked(TWO_TURNS, policy).startswith(f"{_BEGIN}⟦{_FIRST_ANSWER}⟧{_QUESTION}⟦<|start|>")


def test_channels() -> None:
    """Messages on other channels carry no loss; inside a sample, `<|start|>` is sampled."""
    assert _marked(TWO_TURNS, LossPolicy(channels=frozenset({"final"}))).endswith(
        "So.<|end|>⟦<|start|>assistant<|channel|>final<|message|>Yes.<|return|>⟧"
    )


def test_without_calls() -> None:
    """Messages with a recipient carry no loss if the policy leaves out calls."""
    assert (
        "⟦<|channel|>analysis<|message|>Ask.<|end|>⟧<|start|>assistant to=functions.w"
        "<|channel|>commentary <|constrain|>json<|message|>{}<|call|><|start|>functions.w"
    ) in _marked(TWO_TURNS, LossPolicy(calls=False))


def test_chosen_messages() -> None:
    """Chosen messages carry loss; one that was left out adds nothing."""
    chosen = _marked(TWO_TURNS, LossPolicy(TrainedMessages.CHOSEN, chosen=(1, 5)))
    assert chosen.count("⟦") == 1
    assert "⟦<|start|>assistant to=functions.w<|channel|>commentary" in chosen
    assert "{}<|call|>⟧" in chosen


def test_contents_of_earlier_answers() -> None:
    """The `<|end|>` of an earlier answer is not sampled, so it is no sampled stop token either."""
    policy = LossPolicy(TrainedMessages.ALL, TrainedTokens.CONTENT)
    assert "<|message|>⟦4.⟧<|end|>" in _marked(TWO_TURNS, policy)


def test_a_name_is_sampled() -> None:
    """The prompt ends with the role, so the model samples the name behind it."""
    named = Message.from_author_and_content(Author.new(Role.ASSISTANT, "bob"), "Hi")
    conversation = Conversation.from_messages([user("?"), named.with_channel("final")])
    assert _marked(conversation, LossPolicy()).endswith(
        "<|start|>assistant⟦:bob<|channel|>final<|message|>Hi<|return|>⟧"
    )


def test_no_channel_is_no_channel_of_a_list() -> None:
    """A message without a channel carries loss only if the policy names no channels."""
    conversation = Conversation.from_messages([user("?"), said(None, "Hi")])
    assert _marked(conversation, LossPolicy()).endswith("assistant⟦<|message|>Hi<|end|>⟧")
    assert "⟦" not in _marked(conversation, LossPolicy(channels=frozenset({"final"})))


@pytest.mark.parametrize("tokens", TrainedTokens)
def test_the_end_of_a_prompt_carries_no_loss(tokens: TrainedTokens) -> None:
    """In a render for completion, the header that it begins is of no message."""
    rendered = encoding().render_conversation_attributed(
        TWO_TURNS, _CONFIG, next_turn_role=Role.ASSISTANT
    )
    mask = loss_mask(TWO_TURNS.messages, rendered, LossPolicy(TrainedMessages.ALL, tokens))
    assert len(mask) == len(rendered.tokens)
    assert mask.endswith(b"\0\0")
    assert any(mask)


def test_no_messages() -> None:
    """With NONE, nothing carries loss."""
    assert "⟦" not in _marked(TWO_TURNS, LossPolicy(TrainedMessages.NONE))


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ((0,), "message 0 is not the assistant's"),
        ((6,), "message 6 is not the assistant's"),
        ((9,), "there is no message 9"),
        ((-1,), "there is no message -1"),
    ],
)
def test_bad_choices(chosen: tuple[int, ...], problem: str) -> None:
    """A chosen index must be that of an assistant message."""
    rendered = encoding().render_conversation_attributed(TWO_TURNS, _CONFIG)
    with pytest.raises(ValueError, match=problem):
        loss_mask(TWO_TURNS.messages, rendered, LossPolicy(TrainedMessages.CHOSEN, chosen=chosen))


def test_bad_policies() -> None:
    """Chosen indices ascend, and need CHOSEN."""
    for chosen in ((2, 1), (1, 1)):
        with pytest.raises(ValueError, match="chosen must be ascending"):
            LossPolicy(TrainedMessages.CHOSEN, chosen=chosen)
    with pytest.raises(ValueError, match="chosen excludes"):
        LossPolicy(chosen=(1,))


def test_the_first_token_carries_no_loss() -> None:
    """Nothing predicts the first token, whatever the policy."""
    alone = Conversation.from_messages([said("final", "Yes.")])
    policy = LossPolicy(TrainedMessages.ALL, TrainedTokens.MESSAGE)
    assert _marked(alone, policy).startswith("<|start|>⟦assistant")


def test_samples() -> None:
    """Recipients and answers end samples; so do other roles and the end."""
    messages = [
        said("final", "Hi"),
        said("commentary", "Let me see."),
        call("{}"),
        said("analysis", "Go on."),
        call("x", "all"),
        said("analysis", "Then"),
        user("?"),
        said(None, "Yes."),
    ]
    assert samples(messages) == [
        (0, 1, SampleEnd.ANSWER),
        (1, 3, SampleEnd.CALL),
        (3, 5, SampleEnd.CALL),
        (5, 6, SampleEnd.CUT),
        (7, 8, SampleEnd.CUT),
    ]


@given(conversations())
def test_the_mask_is_what_a_prompt_leaves_to_sample(conversation: Conversation) -> None:
    """For each sample of the last turn, the prompt before it is a prefix, and the rest is trained.

    Only the renders without attribution are used to say so.
    """
    messages = conversation.messages
    rendered = encoding().render_conversation_attributed(conversation, _KEEP, for_training=True)
    mask = loss_mask(messages, rendered)
    users = [index for index, message in enumerate(messages) if message.author.role is Role.USER]
    expected = bytearray(len(rendered.tokens))
    for sample in samples(messages):
        if sample.begin <= max(users, default=-1):
            continue
        prompt = encoding().render_conversation_for_completion(
            Conversation(messages=messages[: sample.begin]), Role.ASSISTANT, _KEEP
        )
        assert rendered.tokens[: len(prompt)] == prompt
        end = len(
            encoding().render_conversation(Conversation(messages=messages[: sample.end]), _KEEP)
        )
        if sample.ended_by is SampleEnd.ANSWER and sample.end < len(messages):
            end -= 1
        expected[len(prompt) : end] = b"\1" * (end - len(prompt))
    assert mask == bytes(expected)


@given(
    conversations(),
    st.sampled_from([TrainedMessages.LAST_TURN, TrainedMessages.LAST_SAMPLE, TrainedMessages.ALL]),
    st.sampled_from(TrainedTokens),
    st.booleans(),
)
def test_policies_only_narrow(
    conversation: Conversation, trained: TrainedMessages, tokens: TrainedTokens, calls: bool
) -> None:
    """Every policy trains a part of what ALL and MESSAGE train, and only the assistant's tokens."""
    rendered = encoding().render_conversation_attributed(conversation, _CONFIG, for_training=True)
    widest = LossPolicy(TrainedMessages.ALL, TrainedTokens.MESSAGE)
    allowed = loss_mask(conversation.messages, rendered, widest)
    mask = loss_mask(conversation.messages, rendered, LossPolicy(trained, tokens, calls=calls))
    assert all(wide >= narrow for wide, narrow in zip(allowed, mask, strict=True))
    for run in rendered:
        if conversation.messages[run.message].author.role is not Role.ASSISTANT:
            assert not any(allowed[run.begin : run.end])
        if run.part is not TokenPart.CONTENT and tokens is TrainedTokens.CONTENT:
            assert run.part is TokenPart.STOP or not any(mask[run.begin : run.end])
