"""The cost per token of parsing with the reference in-process."""

from collections.abc import Sequence

from . import reference
from .compare import cpu_seconds


def seconds_per_token(completions: Sequence[Sequence[int]]) -> float:
    """Parses completions token by token, reading each delta; returns CPU seconds per token."""
    encoding = reference.encoding()
    role = reference.openai_harmony.Role.ASSISTANT

    def work() -> None:
        for tokens in completions:
            parser = reference.openai_harmony.StreamableParser(encoding, role)
            for token in tokens:
                parser.process(token)
                parser.last_content_delta  # noqa: B018 # reading it is what is measured

    return cpu_seconds(work) / sum(map(len, completions))
