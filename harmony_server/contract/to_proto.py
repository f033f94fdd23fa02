"""Core values to responses, filled in where they stand: nothing is built and then copied."""

from typing import cast

from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2

from .. import core
from ..core.events import (
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
    _fill_header(target, event.header)
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
    if isinstance(event, ContentDelta):
        target.delta.text = event.text
    else:
        fill_rare_event(target, event)


def fill_rare_event(
    target: parse_pb2.ParseEvent | parse_pb2.SequenceEvent,
    event: MessageStarted | MessageCompleted | Recovered,
) -> None:
    """Fills in an event that is no delta."""
    match event:
        case MessageStarted():
            _fill_header(target.started, event.header)
        case MessageCompleted():
            fill_message(target.completed.message, event)
            fill_outcome(target.completed, event)
        case Recovered():
            fill_recovered(target.recovered, event)


def _fill_header(target: chat_pb2.Message | parse_pb2.MessageStarted, header: Header) -> None:
    target.author.role = _ROLES[header.role]
    if header.name is not None:
        target.author.name = header.name
    if header.recipient is not None:
        target.recipient = header.recipient
    if header.channel is not None:
        target.channel = header.channel
    if header.content_type is not None:
        target.content_type = header.content_type


def _fill_range(target: parse_pb2.TokenRange, tokens: TokenRange) -> None:
    target.begin, target.end = tokens
    # A range of zeros is present, too.
    target.SetInParent()
