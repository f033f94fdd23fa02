"""Where the work is done: in this process, or by a server."""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ..core import Conversation, Message, Role

# Parts what it stands between when many tokens are decoded at once.
_SEPARATOR, _SEPARATOR_BYTES = 199998, b"<|startoftext|>"


class Purpose(Enum):
    """What a conversation is rendered for."""

    COMPLETION = "completion"
    TRAINING = "training"
    CONVERSATION = "conversation"


class Malformed(Enum):
    """What becomes of malformed output."""

    REFUSED = "refused"
    SALVAGED = "salvaged"
    RECOVERED = "recovered"


class Repair(NamedTuple):
    """What was put right: why, and the half-open range of tokens it concerns."""

    reason: str
    begin: int
    end: int
    text: str


class ParsedOutput(NamedTuple):
    """Messages, and what was put right where malformed output is recovered."""

    messages: "list[Message]"
    repairs: list[Repair]


class Backend(Protocol):
    """The work behind the commands.

    Each method raises InputError for input that cannot be used, naming the place in it.
    """

    def render(
        self,
        conversation: "Conversation",
        purpose: Purpose,
        next_role: "Role",
        auto_drop_analysis: bool,
    ) -> list[int]:
        """Renders a conversation; `next_role` counts for a completion only."""

    def parse(
        self, tokens: Sequence[int], role: "Role | None", malformed: Malformed
    ) -> "ParsedOutput":
        """Parses a completion; with a role it begins inside a header."""

    def encode(self, text: str) -> list[int]:
        """Encodes text, spellings of special tokens becoming special tokens."""

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Decodes tokens, all of which the vocabulary must have."""


def decode_each(backend: Backend, tokens: Sequence[int]) -> dict[int, bytes]:
    """Returns the bytes of each token, decoding all of them at once."""
    distinct = sorted(set(tokens) - {_SEPARATOR})
    separated = [item for token in distinct for item in (token, _SEPARATOR)]
    pieces = backend.decode_bytes(separated).split(_SEPARATOR_BYTES)[:-1]
    return {**dict(zip(distinct, pieces, strict=True)), _SEPARATOR: _SEPARATOR_BYTES}
