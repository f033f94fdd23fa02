"""Labels: the token to predict, or -100."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.core import AnalysisRule, Conversation, RenderConversationConfig
from harmony_server.core.tokenizer import END, RETURN
from harmony_server.training import (
    IGNORED_LABEL,
    LossPolicy,
    TrainedMessages,
    TrainedTokens,
    labels,
    loss_mask,
)
from tests.strategies.turns import TWO_TURNS, conversations
from tests.support.encodings import encoding

_CONFIG = RenderConversationConfig(analysis=AnalysisRule.CURRENT_TURN)


def test_an_earlier_answer_is_labelled_with_return() -> None:
    """The `<|end|>` behind an earlier answer has the label `<|return|>`, unless declined."""
    rendered = encoding().render_conversation_attributed(TWO_TURNS, _CONFIG, for_training=True)
    stop = rendered.message_range(2)
    assert stop is not None
    policy = LossPolicy(TrainedMessages.ALL)
    assert rendered.tokens[stop.end - 1] == END
    assert labels(TWO_TURNS.messages, rendered, policy)[stop.end - 1] == RETURN
    declined = labels(TWO_TURNS.messages, rendered, policy, history_returns=False)
    assert declined[stop.end - 1] == IGNORED_LABEL
    whole = LossPolicy(TrainedMessages.ALL, TrainedTokens.MESSAGE)
    assert labels(TWO_TURNS.messages, rendered, whole)[stop.end - 1] == END


@pytest.mark.parametrize(
    "policy",
    [
        LossPolicy(),
        LossPolicy(TrainedMessages.ALL, channels=frozenset({"analysis"})),
        LossPolicy(TrainedMessages.CHOSEN, chosen=(8,)),
    ],
)
def test_an_answer_that_carries_no_loss_has_no_return(policy: LossPolicy) -> None:
    """The `<|end|>` of an answer that the policy leaves out is ignored too."""
    rendered = encoding().render_conversation_attributed(TWO_TURNS, _CONFIG, for_training=True)
    stop = rendered.message_range(2)
    assert stop is not None
    assert labels(TWO_TURNS.messages, rendered, policy)[stop.end - 1] == IGNORED_LABEL


def test_ignored_tokens() -> None:
    """A token without loss has the label that PyTorch's cross entropy ignores."""
    rendered = encoding().render_conversation_attributed(TWO_TURNS, _CONFIG, for_training=True)
    found = labels(TWO_TURNS.messages, rendered, LossPolicy(TrainedMessages.NONE))
    assert set(found) == {-100}


@given(conversations(), st.sampled_from(TrainedMessages), st.sampled_from(TrainedTokens))
def test_labels_follow_the_mask(
    conversation: Conversation, trained: TrainedMessages, tokens: TrainedTokens
) -> None:
    """A label is the token where the mask is 1; elsewhere it is -100, or a return at an end."""
    rendered = encoding().render_conversation_attributed(conversation, _CONFIG)
    policy = LossPolicy(trained, tokens)
    mask = loss_mask(conversation.messages, rendered, policy)
    found = labels(conversation.messages, rendered, policy)
    for token, is_trained, label in zip(rendered.tokens, mask, found, strict=True):
        if is_trained:
            assert label == token
        elif label != IGNORED_LABEL:
            assert (token, label) == (END, RETURN)
