"""Stop strings: content ends before the first of them."""

from collections.abc import Iterable


class StopStrings:
    """The stop strings of a request.

    Args:
        strings: The strings, none of them empty.
    """

    __slots__ = ("_beginnings", "_longest", "strings")

    def __init__(self, strings: Iterable[str]) -> None:
        self.strings = tuple(strings)
        self._beginnings = {text[:end] for text in self.strings for end in range(1, len(text))}
        self._longest = max(map(len, self.strings), default=0)

    def find(self, text: str) -> int | None:
        """Returns where the stop string begins that is complete first, or None."""
        found = [
            (begin + len(string), begin)
            for string in self.strings
            if (begin := text.find(string)) >= 0
        ]
        return min(found)[1] if found else None

    def held_back(self, text: str) -> int:
        """Returns the length of the longest tail of a text that may yet become a stop string."""
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            if text[-length:] in self._beginnings:
                return length
        return 0


class StopMatcher:
    """Looks for stop strings in the text of one message, however it is cut.

    Attributes:
        is_matched: Whether one was found. The text before it has been returned, and nothing else
            will be.
    """

    __slots__ = ("_held", "_stop", "is_matched")

    def __init__(self, stop: StopStrings) -> None:
        self._stop = stop
        self._held = ""
        self.is_matched = False

    def add(self, text: str) -> str:
        """Returns the text that is certain to stand before any stop string."""
        text = self._held + text
        begin = self._stop.find(text)
        if begin is not None:
            self.is_matched = True
            self._held = ""
            return text[:begin]
        length = len(text) - self._stop.held_back(text)
        self._held = text[length:]
        return text[:length]

    def finish(self) -> str:
        """Returns the text that was held back: the message has ended."""
        text, self._held = self._held, ""
        return text
