"""The beginning of a call, as the model writes it; special tokens are spelled."""

from collections.abc import Sequence

from .tool_names import RenderedName

ASSISTANT_START = "<|start|>assistant"


def call_start(names: Sequence[RenderedName]) -> str:
    """Returns the header of a call of one of these tools, up to where the model has a choice.

    It goes on behind `<|start|>assistant`.
    """
    start = "<|channel|>commentary to="
    namespaces = {name.namespace for name in names}
    if len(names) == 1:
        return f"{start}{names[0].recipient} <|constrain|>json<|message|>"
    # Several namespaces: the model writes the whole recipient.
    return f"{start}{namespaces.pop()}" if len(namespaces) == 1 else start
