"""Text output, in UTF-8."""

import sys

import click


def write_text(text: str) -> None:
    """Writes text unchanged; on a terminal, a new line follows."""
    # As bytes, so that neither the locale nor the platform changes them.
    click.echo(text.encode(), nl=sys.stdout.isatty())
