"""What a front end makes of a parse: reasoning, content, calls and loose text."""

from collections.abc import Iterable
from typing import NamedTuple

from harmony_server.core import Role
from harmony_server.core.events import Event, MessageCompleted, Recovered


class Meaning(NamedTuple):
    """The texts of each kind, in order; a call is its recipient and its arguments."""

    reasoning: list[str]
    content: list[str]
    calls: list[list[str]]
    loose: list[str]


def meaning_of(events: Iterable[Event]) -> Meaning:
    """Returns what the assistant said and called, and the text of no message."""
    meaning = Meaning([], [], [], [])
    for event in events:
        if isinstance(event, Recovered) and event.message_index is None and event.text:
            meaning.loose.append(event.text)
        if not isinstance(event, MessageCompleted) or event.header.role is not Role.ASSISTANT:
            continue
        header = event.header
        if header.recipient not in (None, "assistant", "user", "all"):
            meaning.calls.append([header.recipient or "", event.text])
        elif header.channel == "analysis":
            meaning.reasoning.append(event.text)
        else:
            meaning.content.append(event.text)
    return meaning


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
