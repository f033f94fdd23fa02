"""Training examples: one a conversation, or one a turn."""

from typing import Literal

from hypothesis import given

from harmony_server.core import AnalysisRule, Conversation
from harmony_server.core.tokenizer import RETURN
from harmony_server.training import LossPolicy, TrainedMessages, examples, loss_mask
from tests.strategies.turns import TWO_TURNS, conversations, said, user
from tests.support.encodings import encoding


def _trained(
    conversation: Conversation, per: Literal["conversation", "turn"]
) -> list[tuple[int | None, str]]:
    """Returns the turn of each example and the text that carries loss."""
    found = []
    for example in examples(encoding(), conversation, per=per):
        tokens = example.rendered.tokens
        trained = [token for token, loss in zip(tokens, example.mask, strict=True) if loss]
        found.append((example.turn, encoding().decode(trained)))
    return found


def test_an_example_a_turn() -> None:
    """Each turn is trained with its reasoning and with `<|return|>`."""
    first, second = _trained(TWO_TURNS, "turn")
    assert first == (
        0,
        "<|channel|>analysis<|message|>Add.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>4.<|return|>",
    )
    assert second[0] == 3
    assert second[1].endswith("Yes.<|return|>")


def test_an_example_a_conversation() -> None:
    """By default there is one example, with loss on the last turn."""
    [(turn, trained)] = _trained(TWO_TURNS, "conversation")
    assert turn == 3
    assert "4." not in trained
    assert trained.endswith("Yes.<|return|>")


def test_earlier_turns_lose_their_reasoning() -> None:
    """By default an example is rendered as the last turn saw it; another rule may be named."""
    [example] = examples(encoding(), TWO_TURNS)
    text = encoding().decode(example.rendered.tokens)
    assert "Add." not in text
    assert "Ask." in text
    [kept] = examples(encoding(), TWO_TURNS, analysis=AnalysisRule.KEEP)
    assert "Add." in encoding().decode(kept.rendered.tokens)


def test_the_policy_of_examples() -> None:
    """A policy holds for each example."""
    policy = LossPolicy(TrainedMessages.ALL)
    [example] = examples(encoding(), TWO_TURNS, policy=policy)
    assert example.mask == loss_mask(TWO_TURNS.messages, example.rendered, policy)
    assert example.mask != loss_mask(TWO_TURNS.messages, example.rendered)


def test_a_single_turn_keeps_its_reasoning() -> None:
    """The reasoning of a single turn is trained, which the reference's own render leaves out."""
    single = Conversation.from_messages(
        [user("2+2?"), said("analysis", "Add."), said("final", "4.")]
    )
    [(_, trained)] = _trained(single, "conversation")
    assert trained.startswith("<|channel|>analysis<|message|>Add.<|end|>")
    without = encoding().render_conversation_for_training(single)
    assert "Add." not in encoding().decode(without)


def test_turns_without_a_sample() -> None:
    """A turn that nobody answers gives no example."""
    asked = Conversation.from_messages([user("a"), user("b"), said("final", "c"), user("d")])
    assert [turn for turn, _ in _trained(asked, "turn")] == [1]


@given(conversations())
def test_each_example_ends_with_what_it_trains(conversation: Conversation) -> None:
    """An example a turn holds nothing behind the turn, and its mask is that of its messages."""
    for example in examples(encoding(), conversation, per="turn"):
        assert example.mask == loss_mask(example.conversation.messages, example.rendered)
        assert any(example.mask)
        last = example.conversation.messages[-1]
        if last.channel == "final" and last.recipient is None and last.author.role == "assistant":
            assert example.rendered.tokens[-1] == RETURN
