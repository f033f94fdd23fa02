"""A whole completion parses at least 20 times faster."""

from devtools import material
from harmony_server import core

from .. import reference
from ..compare import alternate, cpu_seconds, nanoseconds
from ..results import Goal, Row, faster

_LENGTH = 6000
_ROUNDS = 11
# Enough for the CPU clock to measure.
_OUR_REPETITIONS = 100
_THEIR_REPETITIONS = 5


def measure() -> list[Row]:
    """Parses the same completion with ours and the reference."""
    ours = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    theirs = reference.encoding()
    tokens = material.completion(1, _LENGTH)

    def parse_ours(_number: int) -> float:
        def work() -> None:
            for _ in range(_OUR_REPETITIONS):
                ours.parse_messages_from_completion_tokens(tokens, core.Role.ASSISTANT)

        return cpu_seconds(work) / (_OUR_REPETITIONS * len(tokens))

    def parse_theirs(_number: int) -> float:
        role = reference.openai_harmony.Role.ASSISTANT

        def work() -> None:
            for _ in range(_THEIR_REPETITIONS):
                theirs.parse_messages_from_completion_tokens(tokens, role)

        return cpu_seconds(work) / (_THEIR_REPETITIONS * len(tokens))

    comparison = alternate(parse_ours, parse_theirs, _ROUNDS)
    return [
        faster(
            f"unary parse of {len(tokens):,} tokens, per token",
            nanoseconds(comparison.ours),
            f"reference {nanoseconds(comparison.other)}",
            comparison,
            Goal("at least", 20),
        )
    ]
