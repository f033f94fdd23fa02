"""The samples of a conversation: what each prompt is answered with."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from ..core import Message, Role

_FINAL = "final"


class SampleEnd(Enum):
    """What ends a sample.

    Attributes:
        CALL: A message with a recipient; it ends with `<|call|>`.
        ANSWER: A message on channel `final`; it is sampled with `<|return|>`.
        CUT: A message of somebody else, or the end of the conversation.
    """

    CALL = "call"
    ANSWER = "answer"
    CUT = "cut"


class Sample(NamedTuple):
    """Consecutive messages of the assistant that are sampled in one go.

    Attributes:
        begin: The index of the first message.
        end: The index behind the last one.
        ended_by: What ends the sample.
    """

    begin: int
    end: int
    ended_by: SampleEnd


class MessageKind(NamedTuple):
    """What of a message decides which sample it is in, and whether it carries loss.

    Attributes:
        role: The author's role.
        channel: The channel, or None.
        has_recipient: Whether it has a recipient; `all` is one.
    """

    role: Role
    channel: str | None
    has_recipient: bool

    @classmethod
    def of(cls, message: Message) -> "MessageKind":
        """Returns the kind of a message."""
        return cls(message.author.role, message.channel, message.recipient is not None)


def samples(messages: Iterable[Message]) -> list[Sample]:
    """Returns the samples of a conversation, in order.

    A sample is a run of assistant messages, cut behind each message with a recipient (`all` counts)
    and behind each message on channel `final`. Where a render leaves out analysis, pass the
    messages that it keeps.
    """
    return find_samples([MessageKind.of(message) for message in messages])


def find_samples(kinds: Sequence[MessageKind]) -> list[Sample]:
    """Returns the samples of messages of these kinds; see `samples`."""
    found: list[Sample] = []
    begin = 0
    for index, kind in enumerate(kinds):
        if kind.role is not Role.ASSISTANT:
            if begin < index:
                found.append(Sample(begin, index, SampleEnd.CUT))
            begin = index + 1
        elif kind.has_recipient:
            found.append(Sample(begin, index + 1, SampleEnd.CALL))
            begin = index + 1
        elif kind.channel == _FINAL:
            found.append(Sample(begin, index + 1, SampleEnd.ANSWER))
            begin = index + 1
    if begin < len(kinds):
        found.append(Sample(begin, len(kinds), SampleEnd.CUT))
    return found
