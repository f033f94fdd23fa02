"""The commands `encode` and `decode`."""

import re

import click

from .connection import Server
from .errors import InputError
from .inputs import STDIN, Source, file_argument, read_source, read_tokens
from .output import write_text
from .target import open_backend, target_options

_SPELLING = re.compile(r"<\|\w+\|>")


@click.command(
    epilog=(
        "\b\n"
        "Example:\n"
        "  harmony-server encode 'Hello, world!'\n"
        "  harmony-server encode --special '<|start|>user<|message|>Hi<|end|>'\n"
    ),
)
@click.argument("text", default=STDIN)
@click.option("--file", type=click.Path(), help="Read the text from a file.")
@click.option(
    "--special", is_flag=True, help="Encode spellings such as <|start|> as special tokens."
)
@target_options
def encode(text: str, file: str | None, special: bool, server: Server | None) -> None:
    """Turn text into tokens.

    If TEXT is missing or "-", the text is standard input up to the last byte, including a final
    new line. Text that spells a special token is refused, unless you pass --special.
    """
    if file is not None and text != STDIN:
        raise click.UsageError("TEXT and --file exclude each other.")
    source = read_source(file or STDIN) if text == STDIN else Source("TEXT", text)
    if not special:
        _refuse_special(source)
    with source.named_in_errors(), open_backend(server) as backend:
        tokens = backend.encode(source.text)
    click.echo(" ".join(map(str, tokens)))


@click.command(
    epilog="\b\nExample:\n  echo '13225 11 2375 0' | harmony-server decode\n",
)
@file_argument
@click.option("--strict", is_flag=True, help="Refuse tokens whose bytes are not UTF-8.")
@target_options
def decode(file: str, strict: bool, server: Server | None) -> None:
    """Turn tokens into text.

    FILE contains token ids: a JSON array, or ids separated by white space or commas. The text is
    written unchanged; bytes that are not UTF-8 become U+FFFD.
    """
    from ..core.tokenizer import is_token

    source = read_source(file)
    with source.named_in_errors(), open_backend(server) as backend:
        tokens = read_tokens(source)
        for index, token in enumerate(tokens):
            if not is_token(token):
                raise InputError(f"{token} is not in the vocabulary", place=f"tokens[{index}]")
        data = backend.decode_bytes(tokens)
        try:
            write_text(data.decode(errors="strict" if strict else "replace"))
        except UnicodeDecodeError as error:
            raise InputError(f"the text is not UTF-8 at byte {error.start}") from None


def _refuse_special(source: Source) -> None:
    from ..core.tokenizer import SPECIAL_TOKENS

    for match in _SPELLING.finditer(source.text):
        if match.group() in SPECIAL_TOKENS:
            raise source.error(
                f"{match.group()} is a special token; --special encodes it as one", match.start()
            )
