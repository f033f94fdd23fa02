"""The command `inspect`."""

from typing import TYPE_CHECKING, Final

import click

from .connection import Server
from .conversation_options import ConversationOptions, conversation_options
from .inputs import file_argument, read_source, read_tokens
from .target import open_backend, target_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.segment import Segment

    from .backend import Backend
    from .labels import Label

# A special token that separates the bytes of many tokens decoded in one call.
_SEPARATOR: Final = 199998
_SEPARATOR_BYTES: Final = b"<|startoftext|>"
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
    epilog="\b\nExample:\n  harmony-server render conversation.json | harmony-server inspect\n"
    "  harmony-server inspect --conversation conversation.json\n",
)
@file_argument
@click.option(
    "--conversation",
    "is_conversation",
    is_flag=True,
    help="FILE contains a conversation in canonical JSON: render it as render does, and label the "
    "tokens by what the renderer made of them.",
)
@conversation_options
@target_options
def inspect(
    file: str, is_conversation: bool, options: ConversationOptions, server: Server | None
) -> None:
    """Show what each token is.

    FILE contains token ids: a JSON array, or ids separated by white space or commas. Each token
    is one line: its offset, its id, its part in the message and its text. Malformed output is
    labelled as well as possible; parse says what is wrong with it. On a terminal the lines have
    colours, unless NO_COLOR is set.
    """
    if not is_conversation and any(options):
        raise click.UsageError("The options for rendering need --conversation.")
    from rich.console import Console
    from rich.segment import Segments

    from ..core.tokenizer import is_token
    from .labels import label_rendered, label_tokens

    source = read_source(file)
    with source.named_in_errors(), open_backend(server) as backend:
        if is_conversation:
            from .conversations import read_conversation

            conversation = read_conversation(source)
            rendered = backend.render_attributed(conversation, *options.for_backend())
            tokens, labels = rendered.tokens, label_rendered(rendered)
            texts = _decode_each(backend, tokens)
        else:
            tokens = read_tokens(source)
            texts = _decode_each(backend, [token for token in tokens if is_token(token)])
            labels = label_tokens(tokens, texts)
    # Segments are fast: one Text for each token would take seconds for a long prompt.
    console = Console()
    lines = Segments(_lines(tokens, labels, texts, console.encoding))
    console.print(lines, soft_wrap=True, end="")


def _decode_each(backend: "Backend", tokens: "Sequence[int]") -> dict[int, bytes]:
    """Returns the bytes of each token, with one call for all of them."""
    distinct = sorted(set(tokens) - {_SEPARATOR})
    separated = [each for token in distinct for each in (token, _SEPARATOR)]
    pieces = backend.decode_bytes(separated).split(_SEPARATOR_BYTES)[:-1]
    return {**dict(zip(distinct, pieces, strict=True)), _SEPARATOR: _SEPARATOR_BYTES}


def _lines(
    tokens: "Sequence[int]",
    labels: "Sequence[Label]",
    texts: "Mapping[int, bytes]",
    encoding: str,
) -> "Iterator[Segment]":
    from rich.segment import Segment
    from rich.style import Style

    from ..core.tokenizer import START

    dim = Style.parse("dim")
    styles = {name: Style.parse(style) for name, style in _STYLES.items()}
    for offset, (token, label) in enumerate(zip(tokens, labels, strict=True)):
        if token == START and offset:
            yield Segment("\n")
        yield Segment(f"{offset:7}  {token:>6}  ", dim)
        shown = _shown(label, texts.get(token)).encode(encoding, "backslashreplace")
        yield Segment(f"{label.value:12}  {shown.decode(encoding)}", styles[label.value])
        yield Segment("\n")


def _shown(label: "Label", data: bytes | None) -> str:
    """Returns the text of a token, quoted unless it is a special token."""
    if data is None:
        return "(not in the vocabulary)"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        # Part of a character.
        return repr(data)
    return text if label.value == "special" else repr(text)
