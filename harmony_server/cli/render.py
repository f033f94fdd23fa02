"""The command `render`."""

import json

import click

from .backend import Purpose
from .connection import Server
from .inputs import file_argument, read_source
from .output import write_text
from .roles import ROLES
from .target import open_backend, target_options


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
    help="completion: a prompt to sample from. training: an example to train on. conversation: the "
    "messages alone.",
)
@click.option(
    "--next-role",
    type=click.Choice(ROLES),
    help="The role whose turn is next, with --for completion.  [default: assistant]",
)
@click.option(
    "--keep-analysis",
    is_flag=True,
    help="Keep the analysis before the first answer, even if the last message is an answer.",
)
@click.option(
    "--analysis",
    type=click.Choice(["keep", "current-turn", "none"]),
    help="Keep all analysis, that of the current turn, or none.  [default: leave out that before "
    "the first answer, if the last message is an answer]",
)
@click.option("--text", "as_text", is_flag=True, help="Write text instead of tokens.")
@click.option("--json", "as_json", is_flag=True, help="Write the tokens as a JSON array.")
@target_options
def render(
    file: str,
    purpose: str,
    next_role: str | None,
    keep_analysis: bool,
    analysis: str | None,
    as_text: bool,
    as_json: bool,
    server: Server | None,
) -> None:
    """Turn a conversation into tokens.

    FILE contains canonical JSON, {"messages": [...]}. The tokens are written on one line,
    separated by spaces.
    """
    if as_text and as_json:
        raise click.UsageError("--text and --json exclude each other.")
    if next_role is not None and purpose != Purpose.COMPLETION.value:
        raise click.UsageError(f"--next-role has no meaning with --for {purpose}.")
    if keep_analysis and analysis is not None:
        raise click.UsageError("--keep-analysis and --analysis exclude each other.")
    from ..core import AnalysisRule, RenderConversationConfig, Role
    from .conversations import read_conversation

    if analysis is None:
        config = RenderConversationConfig(auto_drop_analysis=not keep_analysis)
    else:
        config = RenderConversationConfig(analysis=AnalysisRule(analysis.replace("-", "_")))
    source = read_source(file)
    with source.named_in_errors(), open_backend(server) as backend:
        tokens = backend.render(
            read_conversation(source),
            Purpose(purpose),
            Role(next_role or "assistant"),
            config,
        )
        if as_text:
            write_text(backend.decode_bytes(tokens).decode())
        elif as_json:
            click.echo(json.dumps(tokens))
        else:
            click.echo(" ".join(map(str, tokens)))
