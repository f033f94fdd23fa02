"""The command `parse`."""

import json
import sys

import click

from .backend import Malformed
from .inputs import file_argument, read_source, read_tokens
from .roles import ROLES
from .target import open_backend, target_option

_NO_ROLE = "none"


@click.command(
    epilog=("\b\nExample:\n  echo '200005 17196 200008 12194 200002' | harmony-server parse\n"),
)
@file_argument
@click.option(
    "--role",
    type=click.Choice([*ROLES, _NO_ROLE]),
    default="assistant",
    show_default=True,
    help="The role that the prompt ended with. none: the tokens begin with <|start|>.",
)
@click.option(
    "--strict/--no-strict",
    default=True,
    show_default=True,
    help="Refuse malformed output, or let a stop token end a header.",
)
@click.option(
    "--recover",
    is_flag=True,
    help="Refuse nothing and lose no text; what was put right is named on standard error.",
)
@target_option
def parse(file: str, role: str, strict: bool, recover: bool, target: str | None) -> None:
    """Turn the tokens of a completion into messages.

    FILE holds token ids: a JSON array, or ids with white space or commas between them. The
    messages come out as a conversation in canonical JSON, which render takes: indented on a
    terminal, otherwise on one line.
    """
    if recover:
        given_by = click.get_current_context().get_parameter_source("strict")
        if given_by is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError("--recover excludes --strict and --no-strict.")
        malformed = Malformed.RECOVERED
    else:
        malformed = Malformed.REFUSED if strict else Malformed.SALVAGED
    source = read_source(file)
    tokens = read_tokens(source)
    from ..core import Conversation, Role

    with source.blamed(), open_backend(target) as backend:
        parsed = backend.parse(tokens, None if role == _NO_ROLE else Role(role), malformed)
    for repair in parsed.repairs:
        text = f": {repair.text!r}" if repair.text else ""
        click.echo(f"tokens {repair.begin} to {repair.end}: {repair.reason}{text}", err=True)
    conversation = Conversation.from_messages(parsed.messages).to_dict()
    indent = 2 if sys.stdout.isatty() else None
    # As bytes: the locale may not have every character.
    click.echo(json.dumps(conversation, ensure_ascii=False, indent=indent).encode())
