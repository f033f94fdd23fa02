"""The error that the commands raise for unusable input."""

import click


class InputError(click.ClickException):
    """Invalid input: one line that says where and what is wrong, and exit code 2.

    Attributes:
        source: The input: a file, `stdin`, or the address of a server; empty if not known.
        place: The place in the input, such as `messages[2].content[0]` or `line 3, column 7`;
            empty if it has none.
    """

    exit_code = 2

    def __init__(self, problem: str, *, source: str = "", place: str = "") -> None:
        super().__init__(problem)
        self.source = source
        self.place = place

    def format_message(self) -> str:
        """Returns `source: place: problem`, without the parts that are empty."""
        return ": ".join(filter(None, (self.source, self.place, self.message)))


def prefill_error(field: str, problem: str) -> InputError:
    """Returns the error for an invalid prefill, which names the option and the token.

    Args:
        field: The path in a request, such as `prefill[3]`.
        problem: What is wrong with it.
    """
    place = field.replace("prefill", "tokens", 1)
    return InputError(problem, source="--prefill", place=place)


def json_path(field: str) -> str:
    """Returns the path of a field in canonical JSON, which has no object for the author."""
    return field.replace("].author.", "].")
