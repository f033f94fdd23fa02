"""Arguments of calls: verbatim, except that there always are some."""

# Clients parse arguments, and white space is not JSON.
NO_ARGUMENTS = "{}"


class LeadingBlanks:
    """Holds back the white space that arguments begin with, in case nothing follows it."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """Returns the text so far, once it has more than white space."""
        text = self._held + text
        if text.isspace():
            self._held = text
            return ""
        self._held = ""
        return text


def complete_arguments(text: str, *, is_cut_off: bool) -> str:
    """Returns the arguments of a call that has ended.

    A call that was cut off keeps what it has: with `{}` it would look whole.
    """
    return NO_ARGUMENTS if not is_cut_off and not text.strip() else text
