"""A message of a prompt before it is rendered: cheap to make, and to look up in a cache."""

import sys
from typing import NamedTuple

from ..core import Author, Message, Role, TextContent


class PlannedMessage(NamedTuple):
    """A message of one text. Equal ones have the same tokens.

    Attributes:
        role: The author's role.
        text: The text.
        channel: The channel, or None.
        name: The author's name, or None.
        recipient: The recipient, or None.
        content_type: The content type, or None.
    """

    role: str
    text: str
    channel: str | None = None
    name: str | None = None
    recipient: str | None = None
    content_type: str | None = None

    def to_core(self) -> Message:
        """Returns the message of the core."""
        return Message(
            author=Author(role=Role(self.role), name=self.name),
            channel=self.channel,
            recipient=self.recipient,
            content_type=self.content_type,
            content=[TextContent(text=self.text)],
        )

    def __repr__(self) -> str:
        # Without the text: representations may reach logs.
        return f"PlannedMessage({self.role}, channel={self.channel})"

    def __sizeof__(self) -> int:
        # With the text, as caches count memory.
        return tuple.__sizeof__(self) + sys.getsizeof(self.text)
