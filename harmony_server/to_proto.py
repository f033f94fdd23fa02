"""Core values to responses."""

from typing import cast

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2

from . import core
from .core.events import (
    ContentDelta,
    Event,
    Header,
    MessageCompleted,
    MessageStarted,
    Recovered,
    RecoveryReason,
    TokenRange,
)

_ROLES = {
    role: cast("chat_pb2.Role", chat_pb2.Role.Value(f"ROLE_{role.name}")) for role in core.Role
}
_REASONS = {
    reason: cast(
        "parse_pb2.RecoveryReason",
        parse_pb2.RecoveryReason.Value(f"RECOVERY_REASON_{reason.name}"),
    )
    for reason in RecoveryReason
}


def message(completed: MessageCompleted) -> chat_pb2.Message:
    """Converts a parsed message."""
    header = completed.header
    return chat_pb2.Message(
        author=_author(header),
        recipient=header.recipient,
        content=[chat_pb2.Content(text=chat_pb2.TextContent(text=completed.text))],
        channel=header.channel,
        content_type=header.content_type,
    )


def outcome(completed: MessageCompleted) -> service_pb2.MessageOutcome:
    """Converts what is known of a parsed message beside its content."""
    return service_pb2.MessageOutcome(
        stop_token=completed.stop_token,
        offsets=_offsets(completed),
        repairs=[_REASONS[reason] for reason in completed.repairs],
    )


def started(event: MessageStarted) -> parse_pb2.MessageStarted:
    """Converts the start of a message."""
    header = event.header
    return parse_pb2.MessageStarted(
        author=_author(header),
        recipient=header.recipient,
        channel=header.channel,
        content_type=header.content_type,
    )


def completed(event: MessageCompleted) -> parse_pb2.MessageCompleted:
    """Converts the completion of a message."""
    return parse_pb2.MessageCompleted(
        message=message(event),
        stop_token=event.stop_token,
        offsets=_offsets(event),
        repairs=[_REASONS[reason] for reason in event.repairs],
    )


def recovered(event: Recovered) -> parse_pb2.Recovered:
    """Converts a repair."""
    return parse_pb2.Recovered(
        reason=_REASONS[event.reason],
        text=event.text,
        offsets=_range(event.offsets),
        raw_header=event.raw_header,
        message_index=event.message_index,
    )


def parse_event(event: Event) -> parse_pb2.ParseEvent:
    """Converts any event."""
    match event:
        case ContentDelta():
            return parse_pb2.ParseEvent(delta=parse_pb2.ContentDelta(text=event.text))
        case MessageStarted():
            return parse_pb2.ParseEvent(started=started(event))
        case MessageCompleted():
            return parse_pb2.ParseEvent(completed=completed(event))
        case Recovered():
            return parse_pb2.ParseEvent(recovered=recovered(event))


def _author(header: Header) -> chat_pb2.Author:
    return chat_pb2.Author(role=_ROLES[header.role], name=header.name)


def _offsets(event: MessageCompleted) -> parse_pb2.MessageOffsets:
    return parse_pb2.MessageOffsets(
        header=_range(event.header_range), content=_range(event.content_range)
    )


def _range(tokens: TokenRange) -> parse_pb2.TokenRange:
    return parse_pb2.TokenRange(begin=tokens.begin, end=tokens.end)
