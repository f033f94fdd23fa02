"""Standard output, in UTF-8, and the error if it cannot be written."""

import os
import sys
from pathlib import Path

import click

_EXIT_UNWRITABLE = 1


def open_standard_output() -> None:
    """Makes writing to a closed standard output an error; `click.echo` would write nothing."""
    if sys.stdout is None:
        # Python opens no file for it. One that cannot be written also keeps the next from taking
        # its descriptor.
        sys.stdout = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  # open until the end


def write_text(text: str) -> None:
    """Writes text unchanged; on a terminal, a new line follows."""
    # As bytes, so that neither the locale nor the platform changes them.
    click.echo(text.encode(), nl=sys.stdout.isatty())


def report_unwritable(error: OSError) -> int:
    """Prints why standard output cannot be written, gives up on it, and returns the exit code."""
    click.echo(f"standard output: {error.strerror or 'closed'}", err=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return _EXIT_UNWRITABLE
