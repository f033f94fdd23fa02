"""Collects the notices of a request."""

from ..notices import Notice, NoticeReason
from .bounds import MAX_NOTICES
from .fields import Field


class NoticeLog:
    """The notices of one request, in the order in which their causes were read."""

    def __init__(self) -> None:
        self._notices: list[Notice] = []
        self._left_out = 0
        self._last_left_out = NoticeReason.PARAMETER_IGNORED

    def add(self, reason: NoticeReason, field: Field, text: str) -> None:
        """Adds a notice; `text` goes on after the place."""
        if len(self._notices) < MAX_NOTICES:
            self._notices.append(Notice(reason, field.place, text))
        else:
            self._left_out += 1
            self._last_left_out = reason

    def add_ignored_members(self, parent: Field, known: frozenset[str]) -> None:
        """Adds a notice for each member of an object that is not `known` and says something."""
        value = parent.value
        # Nearly always; it saves a generator.
        if isinstance(value, dict) and value.keys() <= known:
            return
        for member in parent.other_members(known):
            if member.value not in (None, False, "", [], {}):
                self.add(NoticeReason.PARAMETER_IGNORED, member, "is not known here")

    def close(self) -> tuple[Notice, ...]:
        """Returns the notices; a last one counts those that were too many."""
        if not self._left_out:
            return tuple(self._notices)
        text = f"{self._left_out} more notices were left out"
        return (*self._notices, Notice(self._last_left_out, "", text))
