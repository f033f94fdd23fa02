"""Recover mode takes linear time, however malformed the output."""

from collections.abc import Sequence

from harmony_server import core
from harmony_server.core.events import Event
from harmony_server.core.tokenizer import CHANNEL, END, MESSAGE, START, VOCABULARY_SIZE

from ..compare import Measure, alternate, cpu_seconds, nanoseconds
from ..results import Goal, Row, costing

_SHORT = 50_000
_LONG = 400_000
_ROUNDS = 3
# Cost per token: linear time gives 1, quadratic time 8.
_GOAL = Goal("at most", 1.5)
_WORD = 24912

# For each name, the first tokens and those repeated after them.
_INPUTS: dict[str, tuple[list[int], list[int]]] = {
    "an endless header": ([START], [_WORD]),
    "stop tokens": ([], [END]),
    "starts": ([], [START]),
    "alternating starts and words": ([], [START, _WORD]),
    "channels": ([], [CHANNEL]),
    "`<|message|>`": ([], [MESSAGE]),
    "ids outside the vocabulary, in content": ([CHANNEL, _WORD, MESSAGE], [VOCABULARY_SIZE]),
    "text outside a message": ([END], [_WORD]),
}


def measure() -> list[Row]:
    """Compares the cost per token of long and short inputs of each kind."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    rows = []
    for name, (first, repeated) in _INPUTS.items():
        long, short = (
            [*first, *repeated * (length // len(repeated))] for length in (_LONG, _SHORT)
        )
        comparison = alternate(_parse_of(encoding, long), _parse_of(encoding, short), _ROUNDS)
        rows.append(
            costing(
                f"recover mode, {_LONG:,} tokens of {name}, per token",
                nanoseconds(comparison.ours),
                f"{_SHORT:,} tokens {nanoseconds(comparison.other)}",
                comparison,
                _GOAL,
            )
        )
    return rows


def _parse_of(encoding: core.HarmonyEncoding, tokens: Sequence[int]) -> Measure:
    def parse() -> None:
        parser = encoding.new_parser(core.Role.ASSISTANT, core.ParseOptions(recover=True))
        # In chunks, as a server receives them.
        for begin in range(0, len(tokens), 1000):
            events: list[Event] = []
            parser.feed(tokens[begin : begin + 1000], events)
        parser.finish([])

    return lambda _number: cpu_seconds(parse) / len(tokens)
