"""What the commands need done, in this process or by a server."""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..core import (
        Conversation,
        Message,
        ParseOptions,
        RenderConversationConfig,
        Rendered,
        Role,
    )
    from ..core.constraints import (
        ConstraintFormat,
        SamplingConstraint,
        SamplingConstraintOptions,
    )
    from ..core.events import Recovered


class Purpose(Enum):
    """What a conversation is rendered for."""

    COMPLETION = "completion"
    TRAINING = "training"
    CONVERSATION = "conversation"


class ParsedOutput(NamedTuple):
    """The messages of a completion and, in recover mode, the repairs."""

    messages: "list[Message]"
    repairs: "list[Recovered]"


class Backend(Protocol):
    """Does the work of the commands.

    Each method raises InputError for input that cannot be used; the error names the place in it.
    """

    def render(
        self,
        conversation: "Conversation",
        purpose: Purpose,
        next_role: "Role",
        config: "RenderConversationConfig",
    ) -> list[int]:
        """Renders a conversation; only a completion uses `next_role`."""

    def render_attributed(
        self,
        conversation: "Conversation",
        purpose: Purpose,
        next_role: "Role",
        config: "RenderConversationConfig",
    ) -> "Rendered":
        """Renders as `render`, and says whose each token is."""

    def parse(
        self,
        tokens: Sequence[int],
        role: "Role | None",
        options: "ParseOptions",
        prefill: Sequence[int],
    ) -> "ParsedOutput":
        """Parses a completion that begins inside the header of `role`, or with `<|start|>`.

        It continues the prefill, of which nothing is reported.
        """

    def constrain(
        self,
        conversation: "Conversation",
        constraint_format: "ConstraintFormat",
        options: "SamplingConstraintOptions",
    ) -> "SamplingConstraint":
        """Builds a sampling constraint for the conversation's next turn."""

    def encode(self, text: str) -> list[int]:
        """Encodes text; spellings of special tokens become special tokens."""

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens, all of which must be in the vocabulary."""
