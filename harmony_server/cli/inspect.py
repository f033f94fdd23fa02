"""The command `inspect`."""

from typing import TYPE_CHECKING

import click

from .backend import decode_each
from .inputs import file_argument, read_source, read_tokens
from .target import open_backend, target_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.segment import Segment

    from .labels import Label

_STYLES = {
    "special": "bold magenta",
    "role": "bold green",
    "recipient": "bold yellow",
    "channel": "bold cyan",
    "content type": "bold blue",
    "header": "dim",
    "content": "",
    "outside": "red",
    "unknown": "bold red",
}


@click.command(
    epilog=("\b\nExample:\n  harmony-server render conversation.json | harmony-server inspect\n"),
)
@file_argument
@target_option
def inspect(file: str, target: str | None) -> None:
    """Show what each token of a stream is.

    FILE holds token ids: a JSON array, or ids with white space or commas between them. Each
    token is a line: its offset, its id, what it is and its text. Malformed output is shown as far
    as it can be understood; parse says what is wrong with it. Colours need a terminal, and
    NO_COLOR turns them off.
    """
    from rich.console import Console
    from rich.segment import Segments

    from ..core.tokenizer import is_token

    source = read_source(file)
    tokens = read_tokens(source)
    with source.blamed(), open_backend(target) as backend:
        texts = decode_each(backend, [token for token in tokens if is_token(token)])
    # Segments, the lowest level of rich: a Text a token would take seconds for a long prompt.
    console = Console()
    lines = Segments(_lines(tokens, texts, console.encoding))
    console.print(lines, soft_wrap=True, end="")


def _lines(
    tokens: "Sequence[int]", texts: "Mapping[int, bytes]", encoding: str
) -> "Iterator[Segment]":
    from rich.segment import Segment
    from rich.style import Style

    from ..core.tokenizer import START
    from .labels import label_tokens

    dim = Style.parse("dim")
    styles = {name: Style.parse(style) for name, style in _STYLES.items()}
    labels = label_tokens(tokens, texts)
    for offset, (token, label) in enumerate(zip(tokens, labels, strict=True)):
        if token == START and offset:
            yield Segment("\n")
        yield Segment(f"{offset:7}  {token:>6}  ", dim)
        shown = _shown(label, texts.get(token)).encode(encoding, "backslashreplace")
        yield Segment(f"{label.value:12}  {shown.decode(encoding)}", styles[label.value])
        yield Segment("\n")


def _shown(label: "Label", data: bytes | None) -> str:
    """Returns what a token stands for: quoted, where it is not a special token."""
    if data is None:
        return "(not in the vocabulary)"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # A piece of a character.
        return repr(data)
    return text if label.value == "special" else repr(text)
