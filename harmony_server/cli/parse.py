"""The command `parse`."""

import json
import sys
from typing import TYPE_CHECKING, Final

import click

from .connection import Server
from .inputs import Source, file_argument, read_source, read_tokens
from .roles import ROLES
from .target import open_backend, target_options

if TYPE_CHECKING:
    from ..core import ParseMode

# Spelled out: --help would be slow if it imported the core.
_MODES: "Final[tuple[ParseMode, ...]]" = ("strict", "lenient", "recover")
_NO_PRESET_ROLE = "none"


@click.command(
    epilog="\b\nExample:\n  echo '200005 17196 200008 12194 200002' | harmony-server parse\n",
)
@file_argument
@click.option(
    "--role",
    type=click.Choice([*ROLES, _NO_PRESET_ROLE]),
    default="assistant",
    show_default=True,
    help="The role that the prompt ended with. none: the tokens begin with <|start|>.",
)
@click.option(
    "--mode",
    type=click.Choice(_MODES),
    default="strict",
    show_default=True,
    help="What to do with malformed output. strict: refuse it. lenient: accept a header that a "
    "stop token ends, refuse the rest. recover: repair it and lose no text.",
)
@click.option(
    "--callable-name",
    "callable_names",
    metavar="NAME",
    multiple=True,
    help="The name of something that the model could call, such as functions.get_weather: "
    "--mode recover tells it from other words. Repeatable.",
)
@click.option(
    "--channel",
    "channels",
    metavar="NAME",
    multiple=True,
    help="A channel besides analysis, commentary and final, for --mode recover. Repeatable.",
)
@click.option(
    "--prefill",
    metavar="TOKENS",
    default="",
    help="The last token ids of the prompt, behind those that --role stands for, if the tokens "
    "continue them. Their text is in no message.",
)
@target_options
def parse(
    file: str,
    role: str,
    mode: "ParseMode",
    callable_names: tuple[str, ...],
    channels: tuple[str, ...],
    prefill: str,
    server: Server | None,
) -> None:
    """Turn the tokens of a completion into messages.

    FILE contains token ids: a JSON array, or ids separated by white space or commas. The
    messages are written as canonical JSON, which render reads: indented on a terminal, otherwise
    on one line. With --mode recover each repair is one line on standard error.
    """
    source = read_source(file)
    tokens = read_tokens(source)
    prefilled = read_tokens(Source("--prefill", prefill))
    from ..core import Conversation, ParseOptions, Role

    options = ParseOptions.for_mode(mode, callable_names=callable_names, channels=channels)
    with source.named_in_errors(), open_backend(server) as backend:
        preset_role = None if role == _NO_PRESET_ROLE else Role(role)
        parsed = backend.parse(tokens, preset_role, options, prefilled)
    for repair in parsed.repairs:
        text = f": {repair.text!r}" if repair.text else ""
        begin, end = repair.offsets
        click.echo(f"tokens {begin} to {end}: {repair.reason.value}{text}", err=True)
    conversation = Conversation.from_messages(parsed.messages).to_dict()
    indent = 2 if sys.stdout.isatty() else None
    # As bytes: the locale may lack some characters.
    click.echo(json.dumps(conversation, ensure_ascii=False, indent=indent).encode())
