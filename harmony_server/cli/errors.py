"""What the commands raise for input that they cannot use."""

import click


class InputError(click.ClickException):
    """Wrong input: one line that says where and what, and exit code 2.

    Attributes:
        source: Where the input comes from: a file, `stdin`, the address of a server.
        place: The place in it, as in `messages[2].content[0]` or `line 3, column 7`.
    """

    exit_code = 2

    def __init__(self, problem: str, *, source: str = "", place: str = "") -> None:
        super().__init__(problem)
        self.source = source
        self.place = place

    def format_message(self) -> str:
        """Returns `source: place: problem`, without what is not known."""
        return ": ".join(filter(None, (self.source, self.place, self.message)))


def json_path(field: str) -> str:
    """Returns where canonical JSON has a field of a message: the author's are the message's own."""
    return field.replace("].author.", "].")
