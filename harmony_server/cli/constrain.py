"""The command `constrain`."""

import dataclasses
import json

import click

from .connection import Server
from .inputs import file_argument, read_source
from .output import write_text
from .target import open_backend, target_options

# Spelled out: --help would be slow if it imported the core.
_FORMATS = {
    "ebnf": "xgrammar-ebnf",
    "structural-tag": "xgrammar-structural-tag",
    "lark": "llguidance-lark",
    "gbnf": "llama-gbnf",
    "automaton": "token-automaton",
}


@click.command(
    epilog="\b\nExample:\n  harmony-server constrain --format lark --tool-choice required "
    "conversation.json\n",
)
@file_argument
@click.option(
    "--format",
    "format_name",
    type=click.Choice([*_FORMATS]),
    required=True,
    help="ebnf and structural-tag: for xgrammar. lark: for llguidance. gbnf: for llama.cpp. "
    "automaton: token ids, as JSON.",
)
@click.option(
    "--tool-choice",
    type=click.Choice(["auto", "none", "required"]),
    default="auto",
    show_default=True,
    help="Whether the turn may, must not, or must end with a call.",
)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="NAME",
    help="Allow calls of this recipient only, such as functions.get_weather. Repeat for several.",
)
@click.option(
    "--response-schema",
    metavar="FILE",
    help="The JSON Schema of the answer.  [default: the answer is text]",
)
@click.option(
    "--level",
    type=click.Choice(["structure", "tools", "schemas"]),
    help="What is constrained: headers, also recipients, or also the bodies.  [default: schemas; "
    "for an automaton, tools]",
)
@click.option("--no-reasoning", is_flag=True, help="Forbid messages on channel analysis.")
@target_options
def constrain(
    file: str,
    format_name: str,
    tool_choice: str,
    recipients: tuple[str, ...],
    response_schema: str | None,
    level: str | None,
    no_reasoning: bool,
    server: Server | None,
) -> None:
    """Build a grammar that keeps a sampler from writing malformed harmony.

    FILE contains canonical JSON, {"messages": [...]}. The grammar is written to standard output,
    what it does not enforce to standard error.
    """
    from ..core.constraints import (
        ConstraintFormat,
        ConstraintLevel,
        ReasoningMode,
        SamplingConstraintOptions,
        ToolChoiceMode,
    )
    from .conversations import read_conversation

    options = SamplingConstraintOptions(
        tool_choice=ToolChoiceMode(tool_choice),
        allowed_recipients=recipients,
        response_schema_json=None if response_schema is None else read_source(response_schema).text,
        level=None if level is None else ConstraintLevel(level),
        reasoning=ReasoningMode.FORBIDDEN if no_reasoning else ReasoningMode.ALLOWED,
    )
    source = read_source(file)
    with source.named_in_errors(), open_backend(server) as backend:
        constraint = backend.constrain(
            read_conversation(source), ConstraintFormat(_FORMATS[format_name]), options
        )
    for notice in constraint.notices:
        place = ": ".join(filter(None, (notice.field, notice.pointer)))
        click.echo(f"{notice.reason.value}: {place}".rstrip(": "), err=True)
    if constraint.automaton is not None:
        click.echo(json.dumps(dataclasses.asdict(constraint.automaton)))
    else:
        assert constraint.grammar is not None
        write_text(constraint.grammar)
