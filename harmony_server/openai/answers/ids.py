"""Ids of items and calls, derived from the answer's, so that a replay gives the same."""

import hashlib

_DIGITS = 24


class ItemIds:
    """The ids of one message.

    Args:
        answer_id: The answer's id.
        choice: The index of the choice.
        ordinal: How many messages the choice has before this one.
    """

    __slots__ = ("_digits",)

    def __init__(self, answer_id: str, choice: int, ordinal: int) -> None:
        # The id stands last, as it alone may have any character.
        source = f"{choice}.{ordinal}.{answer_id}".encode("utf-8", "surrogatepass")
        self._digits = hashlib.sha256(source).hexdigest()[:_DIGITS]

    def with_prefix(self, prefix: str) -> str:
        """Returns the id of this kind, such as `fc_…` for the prefix `fc`."""
        return f"{prefix}_{self._digits}"
