"""On well-formed output, recover mode costs at most 1.1 times as much as strict mode."""

from collections.abc import Sequence

from devtools import material
from harmony_server import core

from ..compare import alternate, cpu_seconds, nanoseconds
from ..results import Goal, Row, costing

_LENGTH = 6000
_ROUNDS = 41
_WHOLE_REPETITIONS = 40
_STEP_REPETITIONS = 12
_GOAL = Goal("at most", 1.1)


def measure() -> list[Row]:
    """Parses the same completion in both modes, whole and token by token."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    tokens = material.completion(3, _LENGTH)
    strict, recover = core.ParseOptions(), core.ParseOptions(recover=True)
    whole = alternate(
        lambda _number: _parse_whole(encoding, tokens, recover),
        lambda _number: _parse_whole(encoding, tokens, strict),
        _ROUNDS,
    )
    steps = alternate(
        lambda _number: _parse_in_steps(encoding, tokens, recover),
        lambda _number: _parse_in_steps(encoding, tokens, strict),
        _ROUNDS,
    )
    return [
        costing(
            f"recover mode, {len(tokens):,} well-formed tokens at once, per token",
            nanoseconds(whole.ours),
            f"strict {nanoseconds(whole.other)}",
            whole,
            _GOAL,
        ),
        costing(
            "recover mode, one token at a time, per token",
            nanoseconds(steps.ours),
            f"strict {nanoseconds(steps.other)}",
            steps,
            _GOAL,
        ),
    ]


def _parse_whole(
    encoding: core.HarmonyEncoding, tokens: Sequence[int], options: core.ParseOptions
) -> float:
    def work() -> None:
        for _ in range(_WHOLE_REPETITIONS):
            encoding.parse_messages_from_completion_tokens(
                tokens, core.Role.ASSISTANT, options=options
            )

    return cpu_seconds(work) / (_WHOLE_REPETITIONS * len(tokens))


def _parse_in_steps(
    encoding: core.HarmonyEncoding, tokens: Sequence[int], options: core.ParseOptions
) -> float:
    def work() -> None:
        for _ in range(_STEP_REPETITIONS):
            parser = core.StreamableParser(encoding, core.Role.ASSISTANT, options=options)
            for token in tokens:
                parser.process(token)
            parser.process_eos()

    return cpu_seconds(work) / (_STEP_REPETITIONS * len(tokens))
