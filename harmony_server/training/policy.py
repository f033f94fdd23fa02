"""Which messages, and which of their tokens, carry loss."""

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise


class TrainedMessages(str, Enum):
    """Which of the assistant's messages carry loss.

    Attributes:
        LAST_TURN: Those behind the last user message; all if there is no user message.
        LAST_SAMPLE: Those of the last sample.
        ALL: Every one.
        CHOSEN: Those that the policy lists.
        NONE: None.
    """

    LAST_TURN = "last_turn"
    LAST_SAMPLE = "last_sample"
    ALL = "all"
    CHOSEN = "chosen"
    NONE = "none"


class TrainedTokens(str, Enum):
    """Which tokens of these messages carry loss.

    Attributes:
        SAMPLED: Those that the model samples: all but the `<|start|>` and role that the prompt ends
            with, and the `<|end|>` of an answer, which is sampled as `<|return|>`.
        CONTENT: Contents, and the stop tokens that the model samples.
        MESSAGE: All.
    """

    SAMPLED = "sampled"
    CONTENT = "content"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class LossPolicy:
    """Which tokens of a training example carry loss.

    Attributes:
        messages: Which messages of the assistant.
        tokens: Which of their tokens.
        channels: The channels whose messages carry loss; None for all messages, also those without
            a channel.
        calls: Whether messages with a recipient carry loss.
        chosen: With CHOSEN, the indices of the messages, ascending.

    Raises:
        ValueError: `chosen` is not ascending, or given without CHOSEN.
    """

    messages: TrainedMessages = TrainedMessages.LAST_TURN
    tokens: TrainedTokens = TrainedTokens.SAMPLED
    channels: frozenset[str] | None = None
    calls: bool = True
    chosen: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        # Values pass as their spelling too, and channels as any collection.
        object.__setattr__(self, "messages", TrainedMessages(self.messages))
        object.__setattr__(self, "tokens", TrainedTokens(self.tokens))
        if self.channels is not None:
            object.__setattr__(self, "channels", frozenset(self.channels))
        object.__setattr__(self, "chosen", tuple(self.chosen))
        if self.chosen and self.messages is not TrainedMessages.CHOSEN:
            raise ValueError("chosen excludes all values of messages but chosen")
        if any(left >= right for left, right in pairwise(self.chosen)):
            raise ValueError("chosen must be ascending")
