"""The command `render`."""

import json

import click

from .backend import Purpose
from .inputs import file_argument, read_source
from .output import write_text
from .roles import ROLES
from .target import open_backend, target_option


@click.command(
    epilog="\b\nExample:\n  harmony-server render --text examples/conversation.json\n",
)
@file_argument
@click.option(
    "--for",
    "purpose",
    type=click.Choice([purpose.value for purpose in Purpose]),
    default=Purpose.COMPLETION.value,
    show_default=True,
    help="A prompt to sample from, a training example, or the conversation as it is.",
)
@click.option(
    "--next-role",
    type=click.Choice(ROLES),
    help="Whose turn is next, for a completion.  [default: assistant]",
)
@click.option("--keep-analysis", is_flag=True, help="Keep analysis that came before an answer.")
@click.option("--text", "as_text", is_flag=True, help="Write the text of the prompt.")
@click.option("--json", "as_json", is_flag=True, help="Write the tokens as a JSON array.")
@target_option
def render(
    file: str,
    purpose: str,
    next_role: str | None,
    keep_analysis: bool,
    as_text: bool,
    as_json: bool,
    target: str | None,
) -> None:
    """Turn a conversation into tokens.

    FILE holds canonical JSON, {"messages": [...]}. The tokens come out on one line with spaces
    between them.
    """
    if as_text and as_json:
        raise click.UsageError("--text and --json exclude each other.")
    if next_role is not None and purpose != Purpose.COMPLETION.value:
        raise click.UsageError(f"--next-role has no meaning with --for {purpose}.")
    from ..core import Role
    from .conversations import read_conversation

    source = read_source(file)
    with source.blamed(), open_backend(target) as backend:
        tokens = backend.render(
            read_conversation(source),
            Purpose(purpose),
            Role(next_role or "assistant"),
            not keep_analysis,
        )
        if as_text:
            write_text(backend.decode_bytes(tokens).decode())
        elif as_json:
            click.echo(json.dumps(tokens))
        else:
            click.echo(" ".join(map(str, tokens)))
