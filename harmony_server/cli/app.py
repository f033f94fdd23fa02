"""The command `harmony-server`: its subcommands, and how errors are reported."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from ..version import __version__
from .config import config
from .constrain import constrain
from .health import health
from .inspect import inspect
from .output import open_standard_output, report_unwritable
from .parse import parse
from .render import render
from .serve import serve
from .text import decode, encode

_EXIT_INTERRUPTED = 130


class _OneLineErrors(click.Group):
    """A group that reports every error, usage errors included, as one line on standard error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command line and exits; without `standalone_mode`, raises errors instead."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        open_standard_output()
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            # Otherwise Python writes the rest when it ends, and fails without a reason.
            sys.stdout.flush()
        except click.ClickException as error:
            click.echo(_one_line(error), err=True)
            code = error.exit_code
        except click.Abort:
            code = _EXIT_INTERRUPTED
        except OSError as error:
            # Errors of files name them.
            if error.filename is not None:
                raise
            code = report_unwritable(error)
        sys.exit(code)


def _one_line(error: click.ClickException) -> str:
    message = error.format_message()
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "harmony-server"
        message = f"{command}: {message.rstrip('.')} (see '{command} --help')"
    return " ".join(message.split())


@click.group(
    cls=_OneLineErrors,
    invoke_without_command=True,
    epilog=(
        "\b\n"
        "Example: start a server, then render a prompt through it\n"
        "  harmony-server serve --listen 127.0.0.1:50051\n"
        "  harmony-server render --target 127.0.0.1:50051 conversation.json\n"
    ),
)
@click.version_option(__version__, prog_name="harmony-server", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Render and parse the harmony format of the gpt-oss models.

    serve runs the server. render, constrain, parse, inspect, encode and decode work in this
    process or, with --target, through a running server. They read a file, or standard input if the
    file is missing or "-".

    If the input is invalid, the command prints one line to standard error and exits with code 2.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (serve, config, health, render, constrain, parse, inspect, encode, decode):
    main.add_command(_command)
