"""Whose the tokens of a render are, found with the reference alone.

The length of a part is the number of tokens that it adds to the reference's render of the message.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb

from .reference import Reference

# The parts of a header that a message may lack, with their fields.
_OPTIONAL: Final = (
    (pb.TOKEN_PART_RECIPIENT, "recipient"),
    (pb.TOKEN_PART_CHANNEL, "channel"),
    (pb.TOKEN_PART_CONTENT_TYPE, "content_type"),
)


class Part(NamedTuple):
    """A run of one message."""

    length: int
    part: pb.TokenPart
    content: int = 0


def parts_of(reference: Reference, message: chat.Message, *, with_tools: bool) -> list[Part]:
    """Returns the runs of a message, in the order of the comments of the protos."""
    grown = chat.Message(author=chat.Author(role=message.author.role))
    is_tool = message.author.role == chat.ROLE_TOOL
    if is_tool:
        grown.author.name = message.author.name

    def length() -> int:
        return len(reference.render(grown, with_function_tools=with_tools))

    # `<|start|>`, `<|message|>` and the stop token are there without any other part.
    before = length()
    parts = [Part(1, pb.TOKEN_PART_START), Part(before - 3, pb.TOKEN_PART_AUTHOR)]
    if message.author.HasField("name") and not is_tool:
        grown.author.name = message.author.name
        parts.append(Part(length() - before, pb.TOKEN_PART_NAME))
    for part, field in _OPTIONAL:
        before = length()
        if message.HasField(field):
            setattr(grown, field, getattr(message, field))
        parts.append(Part(length() - before, part))
    parts.append(Part(1, pb.TOKEN_PART_MESSAGE))
    for index, content in enumerate(message.content):
        before = length()
        grown.content.append(content)
        parts.append(Part(length() - before, pb.TOKEN_PART_CONTENT, index))
    parts.append(Part(1, pb.TOKEN_PART_STOP))
    return [part for part in parts if part.length]


def turn_start_parts(tokens: Sequence[int]) -> list[Part]:
    """Returns the runs of the end of a prompt."""
    return [Part(1, pb.TOKEN_PART_START), Part(len(tokens) - 1, pb.TOKEN_PART_AUTHOR)]


def runs_of(
    attribution: pb.Attribution, messages: Iterable[tuple[int, Sequence[Part]]]
) -> pb.TokenRuns:
    """Returns the columns of the runs of messages, each given with its index."""
    runs = pb.TokenRuns()
    for index, parts in messages:
        if attribution == pb.ATTRIBUTION_MESSAGES:
            runs.lengths.append(sum(part.length for part in parts))
            runs.messages.append(index)
            continue
        for part in parts:
            runs.lengths.append(part.length)
            runs.messages.append(index)
            runs.parts.append(part.part)
            runs.contents.append(part.content)
    return runs


def find_messages(
    reference: Reference, messages: Sequence[chat.Message], tokens: Sequence[int]
) -> list[tuple[int, Sequence[Part]]]:
    """Returns the runs of the messages that a render holds, each with its index.

    A message whose tokens do not come next was left out. Rendered tokens behind the last message
    are the end of a prompt.
    """
    found: list[tuple[int, Sequence[Part]]] = []
    begin = 0
    for index, message in enumerate(messages):
        for with_tools in (False, True):
            rendered = reference.render(message, with_function_tools=with_tools)
            end = begin + len(rendered)
            # A training example may end with another stop token.
            if list(tokens[begin : end - 1]) == rendered[:-1]:
                found.append((index, parts_of(reference, message, with_tools=with_tools)))
                begin = end
                break
    if begin < len(tokens):
        found.append((len(messages), turn_start_parts(tokens[begin:])))
    return found
