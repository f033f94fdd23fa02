"""Training examples of a conversation: one of all of it, or one a turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ..core import (
    AnalysisRule,
    Conversation,
    HarmonyEncoding,
    RenderConversationConfig,
    Rendered,
    Role,
)
from .loss import loss_mask
from .policy import LossPolicy
from .samples import samples


@dataclass(frozen=True, slots=True)
class Example:
    """A token sequence to train on.

    Attributes:
        conversation: The messages that it was rendered from.
        rendered: Its tokens, and whose they are.
        mask: A byte for each token: 1 if it carries loss.
        turn: The index of the user message that begins the last turn; None if there is none.
    """

    conversation: Conversation
    rendered: Rendered
    mask: bytes
    turn: int | None


def examples(
    encoding: HarmonyEncoding,
    conversation: Conversation,
    *,
    per: Literal["conversation", "turn"] = "conversation",
    policy: LossPolicy | None = None,
    analysis: AnalysisRule | None = AnalysisRule.CURRENT_TURN,
) -> Iterator[Example]:
    """Yields the training examples of a conversation.

    With one example a turn, each is exactly a prompt and what was sampled behind it, so that each
    turn is trained with its reasoning and with `<|return|>`.

    Args:
        encoding: Renders the examples; its cache renders each message once.
        conversation: The conversation.
        per: One example of the conversation, or one of each turn that has a sample.
        policy: Which tokens carry loss; by default the sampled tokens of the last turn.
        analysis: Which analysis stays. None is the reference's rule, which leaves out the reasoning
            of a single turn.

    Raises:
        RenderError: As `HarmonyEncoding.render`.
        ValueError: As `HarmonyEncoding.render` and `loss_mask`.
    """
    config = RenderConversationConfig(analysis=analysis) if analysis else None
    messages = conversation.messages
    ends = [len(messages)] if per == "conversation" else _turn_ends(conversation)
    for end in ends:
        part = Conversation(messages=messages[:end])
        rendered = encoding.render_conversation_attributed(part, config, for_training=True)
        users = (
            index for index in range(end - 1, -1, -1) if messages[index].author.role is Role.USER
        )
        mask = loss_mask(part.messages, rendered, policy)
        yield Example(part, rendered, mask, next(users, None))


def _turn_ends(conversation: Conversation) -> list[int]:
    """Returns the index behind each turn that has a sample."""
    messages = conversation.messages
    users = [index for index, message in enumerate(messages) if message.author.role is Role.USER]
    bounds = [0, *users, len(messages)]
    return [end for begin, end in pairwise(bounds) if samples(messages[begin:end])]
