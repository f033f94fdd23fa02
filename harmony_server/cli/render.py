"""The command `render`."""

import json

import click

from .connection import Server
from .conversation_options import ConversationOptions, conversation_options
from .inputs import file_argument, read_source
from .output import write_text
from .target import open_backend, target_options


@click.command(
    epilog="\b\nExample:\n  harmony-server render --text examples/conversation.json\n",
)
@file_argument
@conversation_options
@click.option("--text", "as_text", is_flag=True, help="Write text instead of tokens.")
@click.option("--json", "as_json", is_flag=True, help="Write the tokens as a JSON array.")
@click.option(
    "--runs",
    "as_runs",
    is_flag=True,
    help="Write which message each range of tokens is of, and which part of it, as a JSON array.",
)
@target_options
def render(
    file: str,
    options: ConversationOptions,
    as_text: bool,
    as_json: bool,
    as_runs: bool,
    server: Server | None,
) -> None:
    """Turn a conversation into tokens.

    FILE contains canonical JSON, {"messages": [...]}. The tokens are written on one line,
    separated by spaces.
    """
    formats = {"--text": as_text, "--json": as_json, "--runs": as_runs}
    given = [name for name, is_given in formats.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other.")
    from .conversations import read_conversation

    source = read_source(file)
    with source.named_in_errors(), open_backend(server) as backend:
        conversation = read_conversation(source)
        if as_runs:
            rendered = backend.render_attributed(conversation, *options.for_backend())
            runs = [run._asdict() | {"part": run.part.name.lower()} for run in rendered]
            click.echo(json.dumps(runs))
            return
        tokens = backend.render(conversation, *options.for_backend())
        if as_text:
            write_text(backend.decode_bytes(tokens).decode())
        elif as_json:
            click.echo(json.dumps(tokens))
        else:
            click.echo(" ".join(map(str, tokens)))
