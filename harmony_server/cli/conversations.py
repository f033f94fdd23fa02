"""Conversations from input in canonical JSON."""

from ..core import Conversation
from ..core.canonical_json import CanonicalJsonError
from ..core.canonical_json import read_conversation as read_canonical_json
from .errors import InputError
from .inputs import Source


def read_conversation(source: Source) -> Conversation:
    """Reads a conversation.

    Raises:
        InputError: The text is not the canonical JSON of a conversation.
    """
    try:
        return read_canonical_json(source.text)
    except CanonicalJsonError as error:
        if error.position is not None:
            raise source.error(error.problem, error.position) from None
        raise InputError(error.problem, place=error.path) from None
