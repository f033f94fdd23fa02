"""The tokens that the prompt has behind `<|start|>assistant`."""

from collections.abc import Sequence

from ...core.events import Event, MessageStarted
from ...core.parser import MessageParser, StreamState


def read_prefill(parser: MessageParser, tokens: Sequence[int]) -> list[Event]:
    """Reads the end of the prompt, of which nothing is reported.

    Returns the events to report with the first token: the start of a message that the prefill
    began.
    """
    if not tokens:
        return []
    parser.feed(tokens, [])
    return [MessageStarted(parser.header)] if parser.state is StreamState.CONTENT else []
