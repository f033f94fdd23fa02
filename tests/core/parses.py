"""Parse completions given as text with special tokens spelled out."""

from harmony_server import core
from tests.support.encodings import encoding, tokens_of


def parsed(
    text: str, role: core.Role | None = None, *, strict: bool = True
) -> list[dict[str, object]]:
    """Returns the messages of a completion as dictionaries without the unset fields."""
    messages = encoding().parse_messages_from_completion_tokens(
        tokens_of(text), role, strict=strict
    )
    return [_short(message) for message in messages]


def parse_error(
    text: str | list[int], role: core.Role | None = None, *, strict: bool = True
) -> core.ParseError:
    """Returns the error that parsing a completion raises."""
    tokens = tokens_of(text) if isinstance(text, str) else text
    try:
        encoding().parse_messages_from_completion_tokens(tokens, role, strict=strict)
    except core.ParseError as error:
        return error
    raise AssertionError(f"{text!r} was parsed")


def _short(message: core.Message) -> dict[str, object]:
    (content,) = message.content
    assert isinstance(content, core.TextContent)
    members = {
        "role": message.author.role.value,
        "name": message.author.name,
        "recipient": message.recipient,
        "channel": message.channel,
        "content_type": message.content_type,
        "text": content.text,
    }
    return {name: value for name, value in members.items() if value is not None}
