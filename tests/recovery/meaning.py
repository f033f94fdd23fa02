"""What a front end makes of a parse: reasoning, content, calls and loose text."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harmony_server.core import Role
from harmony_server.core.events import Event, MessageCompleted, Recovered


class Meaning(NamedTuple):
    """The texts of each kind, in order; a call is its recipient and its arguments."""

    reasoning: list[str]
    content: list[str]
    calls: list[list[str]]
    loose: list[str]


class Said(NamedTuple):
    """What tells a front end how to show a message."""

    is_assistants: bool
    channel: str | None
    recipient: str | None
    text: str


def meaning_of_said(messages: Iterable[Said], loose: Iterable[str]) -> Meaning:
    """Returns what the assistant said and called, beside the text of no message."""
    meaning = Meaning([], [], [], list(loose))
    for message in messages:
        if not message.is_assistants:
            continue
        if message.recipient not in (None, "assistant", "user", "all"):
            meaning.calls.append([message.recipient or "", message.text])
        elif message.channel == "analysis":
            meaning.reasoning.append(message.text)
        else:
            meaning.content.append(message.text)
    return meaning


def meaning_of(events: Sequence[Event]) -> Meaning:
    """Returns the meaning of the core's events."""
    said = [
        Said(
            event.header.role is Role.ASSISTANT,
            event.header.channel,
            event.header.recipient,
            event.text,
        )
        for event in events
        if isinstance(event, MessageCompleted)
    ]
    loose = [
        event.text
        for event in events
        if isinstance(event, Recovered) and event.message_index is None
    ]
    return meaning_of_said(said, filter(None, loose))


def is_meant(meaning: Meaning, meant: Meaning) -> bool:
    """Returns whether each text is in one of its kind, the calls are exact, and no markup shows."""
    shown = [*meaning.reasoning, *meaning.content, *meaning.loose]
    shown += [text for call in meaning.calls for text in call]
    return (
        meaning.calls == meant.calls
        and not any("<|" in text for text in shown)
        and all(
            any(text in other for other in found)
            for texts, found in (
                (meant.reasoning, meaning.reasoning),
                (meant.content, meaning.content),
                (meant.loose, meaning.loose),
            )
            for text in texts
        )
    )
