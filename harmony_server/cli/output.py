"""Output: text as it is, in UTF-8."""

import sys

import click


def write_text(text: str) -> None:
    """Writes text as it is; where a person reads it, a new line follows."""
    # As bytes: neither the locale nor the platform's line ends may change them.
    click.echo(text.encode(), nl=sys.stdout.isatty())
