"""The events that a parser reports, in the order of the tokens."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from .chat import Author, Message, Role, TextContent


class Header(NamedTuple):
    """The fields of a message header; None for a field that is missing."""

    role: Role
    name: str | None = None
    recipient: str | None = None
    channel: str | None = None
    content_type: str | None = None


class TokenRange(NamedTuple):
    """A half-open range of token offsets, counted from the first token behind any prefill."""

    begin: int
    end: int


class RecoveryReason(Enum):
    """Why a repair was made; docs/recovery.md describes each reason."""

    # Enum's own hash is a slow Python function.
    __hash__ = object.__hash__

    TEXT_OUTSIDE_MESSAGE = "text_outside_message"
    MISSING_START = "missing_start"
    EXTRA_START = "extra_start"
    MISSING_STOP = "missing_stop"
    EXTRA_STOP = "extra_stop"
    MISSING_MESSAGE = "missing_message"
    EXTRA_MESSAGE = "extra_message"
    MALFORMED_CHANNEL = "malformed_channel"
    REPEATED_CHANNEL = "repeated_channel"
    REPEATED_RECIPIENT = "repeated_recipient"
    MALFORMED_ROLE = "malformed_role"
    MISPLACED_CONTENT_TYPE = "misplaced_content_type"
    UNEXPECTED_HEADER_TEXT = "unexpected_header_text"
    HEADER_TOO_LONG = "header_too_long"
    TRUNCATED_HEADER = "truncated_header"
    INVALID_TOKEN = "invalid_token"
    INVALID_UTF8 = "invalid_utf8"


@dataclass(slots=True)
class MessageStarted:
    """A header is complete."""

    header: Header


@dataclass(slots=True)
class ContentDelta:
    """More text of the current message: at least one character, and never part of one.

    Attributes:
        text: The text.
        offsets: The tokens that it comes from, if the options ask for them. It begins where the
            range of the message's delta before ends.
    """

    text: str
    offsets: TokenRange | None = None


@dataclass(slots=True)
class MessageCompleted:
    """A message is complete.

    Attributes:
        header: The header.
        text: The whole content.
        stop_token: The stop token, or None if something else ended the message.
        header_range: The tokens of the header, without `<|start|>` and `<|message|>`.
        content_range: The tokens of the content, without the stop token.
        repairs: The reasons of the repairs in this message, in order.
    """

    header: Header
    text: str
    stop_token: int | None
    header_range: TokenRange
    content_range: TokenRange
    repairs: tuple[RecoveryReason, ...] = ()

    def to_message(self) -> Message:
        """Returns the message."""
        header = self.header
        return Message(
            author=Author(role=header.role, name=header.name),
            content=[TextContent(text=self.text)],
            channel=header.channel,
            recipient=header.recipient,
            content_type=header.content_type,
        )


@dataclass(slots=True)
class Recovered:
    """A repair.

    Attributes:
        reason: Why the repair was made.
        text: Recovered text, which belongs to no message's content and no header field. White space
            is kept.
        offsets: The tokens that the repair concerns.
        raw_header: The header as written, special tokens spelled out; empty if the repair concerns
            no header.
        message_index: The message that the repair belongs to, counted from 0, or None.
    """

    reason: RecoveryReason
    text: str
    offsets: TokenRange
    raw_header: str = ""
    message_index: int | None = None


Event = MessageStarted | ContentDelta | MessageCompleted | Recovered
