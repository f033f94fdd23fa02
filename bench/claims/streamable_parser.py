"""StreamableParser is at least 8 times faster, token by token and reading each delta."""

from devtools import material
from harmony_server import core

from ..compare import alternate, cpu_seconds, nanoseconds
from ..reference_parse import seconds_per_token
from ..results import Goal, Row, faster

_LENGTH = 6000
_ROUNDS = 11
_OUR_REPETITIONS = 30
_THEIR_REPETITIONS = 3


def measure() -> list[Row]:
    """Feeds both parsers the same completion."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    tokens = material.completion(2, _LENGTH)

    def parse_ours(_number: int) -> float:
        def work() -> None:
            for _ in range(_OUR_REPETITIONS):
                parser = core.StreamableParser(encoding, core.Role.ASSISTANT)
                for token in tokens:
                    parser.process(token)
                    parser.last_content_delta  # noqa: B018 # reading it is what is measured

        return cpu_seconds(work) / (_OUR_REPETITIONS * len(tokens))

    comparison = alternate(
        parse_ours, lambda _number: seconds_per_token([tokens] * _THEIR_REPETITIONS), _ROUNDS
    )
    return [
        faster(
            f"`StreamableParser`, {len(tokens):,} tokens, per token, reading its delta",
            nanoseconds(comparison.ours),
            f"reference {nanoseconds(comparison.other)}",
            comparison,
            Goal("at least", 8),
        )
    ]
