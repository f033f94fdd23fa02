"""Core values to responses, filled in where they stand: nothing is built and then copied."""

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


def fill_message(target: chat_pb2.Message, event: MessageCompleted) -> None:
    """Fills in a parsed message."""
    header = event.header
    _fill_author(target.author, header)
    if header.recipient is not None:
        target.recipient = header.recipient
    if header.channel is not None:
        target.channel = header.channel
    if header.content_type is not None:
        target.content_type = header.content_type
    target.content.add().text.text = event.text


def fill_outcome(
    target: service_pb2.MessageOutcome | parse_pb2.MessageCompleted, event: MessageCompleted
) -> None:
    """Fills in what is known of a parsed message beside its content."""
    if event.stop_token is not None:
        target.stop_token = event.stop_token
    _fill_range(target.offsets.header, event.header_range)
    _fill_range(target.offsets.content, event.content_range)
    target.repairs.extend(_REASONS[reason] for reason in event.repairs)


def fill_started(target: parse_pb2.MessageStarted, event: MessageStarted) -> None:
    """Fills in the start of a message."""
    header = event.header
    _fill_author(target.author, header)
    if header.recipient is not None:
        target.recipient = header.recipient
    if header.channel is not None:
        target.channel = header.channel
    if header.content_type is not None:
        target.content_type = header.content_type


def fill_completed(target: parse_pb2.MessageCompleted, event: MessageCompleted) -> None:
    """Fills in the completion of a message."""
    fill_message(target.message, event)
    fill_outcome(target, event)


def fill_recovered(target: parse_pb2.Recovered, event: Recovered) -> None:
    """Fills in a repair."""
    target.reason = _REASONS[event.reason]
    target.text = event.text
    _fill_range(target.offsets, event.offsets)
    target.raw_header = event.raw_header
    if event.message_index is not None:
        target.message_index = event.message_index


def fill_event(target: parse_pb2.ParseEvent, event: Event) -> None:
    """Fills in any event."""
    match event:
        case ContentDelta():
            target.delta.text = event.text
        case MessageStarted():
            fill_started(target.started, event)
        case MessageCompleted():
            fill_completed(target.completed, event)
        case Recovered():
            fill_recovered(target.recovered, event)


def _fill_author(target: chat_pb2.Author, header: Header) -> None:
    target.role = _ROLES[header.role]
    if header.name is not None:
        target.name = header.name


def _fill_range(target: parse_pb2.TokenRange, tokens: TokenRange) -> None:
    target.begin, target.end = tokens
    # A range of zeros is present, too.
    target.SetInParent()
