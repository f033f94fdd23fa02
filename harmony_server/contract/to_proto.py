"""Converts core values to responses, written into messages in place to save copies."""

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
    """Writes the header and the content of a parsed message into `target`."""
    _fill_header(target, event.header)
    target.content.add().text.text = event.text


def fill_outcome(
    target: service_pb2.MessageOutcome | parse_pb2.MessageCompleted, event: MessageCompleted
) -> None:
    """Writes the stop token, token ranges and repairs of a parsed message into `target`."""
    if event.stop_token is not None:
        target.stop_token = event.stop_token
    _fill_range(target.offsets.header, event.header_range)
    _fill_range(target.offsets.content, event.content_range)
    target.repairs.extend(_REASONS[reason] for reason in event.repairs)


def fill_recovered(target: parse_pb2.Recovered, event: Recovered) -> None:
    """Writes a repair into `target`."""
    target.reason = _REASONS[event.reason]
    target.text = event.text
    _fill_range(target.offsets, event.offsets)
    target.raw_header = event.raw_header
    if event.message_index is not None:
        target.message_index = event.message_index


def fill_event(target: parse_pb2.ParseEvent, event: Event) -> None:
    """Writes an event into `target`."""
    if isinstance(event, ContentDelta):
        target.delta.text = event.text
        if event.offsets is not None:
            _fill_range(target.delta.offsets, event.offsets)
    else:
        fill_rare_event(target, event)


def fill_rare_event(
    target: parse_pb2.ParseEvent | parse_pb2.SequenceEvent,
    event: MessageStarted | MessageCompleted | Recovered,
) -> None:
    """Writes an event other than a delta into `target`."""
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
    # Setting zeros alone does not make the field present.
    target.SetInParent()
