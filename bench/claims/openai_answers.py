"""Frames for OpenAI clients cost little more than the parse, and far less than pydantic's."""

import functools
import statistics
from collections.abc import Callable, Sequence

from openai.types.chat.chat_completion_chunk import ChatCompletionChunk, Choice, ChoiceDelta

from devtools import material
from harmony_server import core
from harmony_server.core.events import ContentDelta, Event
from harmony_server.core.lock_step import LockStep, empty_indices
from harmony_server.core.parser import MessageParser
from harmony_server.openai.answer_context import (
    AnswerContext,
    AnswerHeader,
    Api,
    DeclaredTool,
    ToolKind,
)
from harmony_server.openai.answers import AnswerBatch

from ..batch_cost import SEQUENCES
from ..compare import Comparison, alternate, cpu_seconds, nanoseconds
from ..results import Goal, Row, faster

_TOKENS = 800
_ROUNDS = 9
_TOOL = DeclaredTool(ToolKind.FUNCTION, "functions", "search_orders", "search_orders")
_OPTIONS = core.ParseOptions(recover=True, callable_names=("functions.search_orders",))
_NAMES = {Api.CHAT_COMPLETIONS: "chat chunks", Api.RESPONSES: "response events"}


def measure() -> list[Row]:
    """Feeds the same completions, 256 at once, to parsers alone and to answers."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    # A completion ends near the length asked for, so cut a longer one.
    completions = [
        material.completion(seed, _TOKENS * 3 // 2)[:_TOKENS] for seed in range(SEQUENCES)
    ]
    rows = []
    for size, most in ((1, 500), (8, 100)):
        steps = _columns(completions, size)
        for api, name in _NAMES.items():
            comparison = alternate(
                _per_token(functools.partial(_answer, encoding, steps, api)),
                _per_token(functools.partial(_parse, encoding, steps)),
                _ROUNDS,
            )
            what = f"{name}, {SEQUENCES} sequences, {size} a step: per token"
            rows.append(_costing_more(what, comparison, most))
    steps = _columns(completions, 1)
    answer = _per_token(functools.partial(_answer, encoding, steps, Api.CHAT_COMPLETIONS))
    parse = _per_token(functools.partial(_parse, encoding, steps))
    comparison = alternate(
        lambda number: answer(number) - parse(number),
        _per_token(functools.partial(_dump_models, _texts(encoding, completions))),
        _ROUNDS,
    )
    rows.append(
        faster(
            f"chat chunks, {SEQUENCES} sequences in lock step: per token beyond the parse",
            nanoseconds(comparison.ours),
            f"chunks by the `openai` package's models {nanoseconds(comparison.other)}",
            comparison,
            Goal("at least", 20),
        )
    )
    return rows


_Steps = Sequence[tuple[list[int], list[int]]]


def _columns(completions: Sequence[Sequence[int]], size: int) -> _Steps:
    """Returns the sequence ids and the tokens of each step."""
    ids = [number for number in range(SEQUENCES) for _ in range(size)]
    return [
        (ids, [token for tokens in completions for token in tokens[begin : begin + size]])
        for begin in range(0, _TOKENS, size)
    ]


def _per_token(prepare: Callable[[], Callable[[], None]]) -> Callable[[int], float]:
    return lambda _number: cpu_seconds(prepare()) / (SEQUENCES * _TOKENS)


def _costing_more(what: str, comparison: Comparison, most: int) -> Row:
    """Returns the row of a claim about nanoseconds in addition to the other side's."""
    rounds = zip(comparison.our_costs, comparison.other_costs, strict=True)
    more = [(ours - other) * 1e9 for ours, other in rounds]
    median = statistics.median(more)
    return Row(
        what,
        nanoseconds(comparison.ours),
        f"parse alone {nanoseconds(comparison.other)}",
        f"{median:.0f} ns more ({min(more):.0f} to {max(more):.0f})",
        f"at most {most} ns more",
        median <= most,
    )


def _answer(encoding: core.HarmonyEncoding, steps: _Steps, api: Api) -> Callable[[], None]:
    batch = AnswerBatch(encoding)
    for number in range(SEQUENCES):
        header = AnswerHeader(f"answer-{number}", 1_700_000_000, "gpt-oss-20b")
        batch.open(number, [], AnswerContext(api, header, stream=True, tools=(_TOOL,)))
    batch.step([], [])

    def work() -> None:
        for ids, tokens in steps:
            batch.step(ids, tokens)

    return work


def _parse(encoding: core.HarmonyEncoding, steps: _Steps) -> Callable[[], None]:
    """Does what `ParseBatch` does, without protobuf."""
    parsers = [encoding.new_parser(core.Role.ASSISTANT, _OPTIONS) for _ in range(SEQUENCES)]

    def work() -> None:
        if len(steps[0][0]) == SEQUENCES:
            group = LockStep(list(range(SEQUENCES)), parsers)
            for _, tokens in steps:
                _step_one_each(group, parsers, tokens)
        else:
            for ids, tokens in steps:
                _step_several(parsers, ids, tokens)

    return work


def _step_one_each(group: LockStep, parsers: Sequence[MessageParser], tokens: list[int]) -> None:
    texts = group.step(tokens)
    ids: list[int] = []
    deltas: list[str] = []
    begin = 0
    for index in empty_indices(texts):
        ids += group.ids[begin:index]
        deltas += texts[begin:index]
        begin = index + 1
        group.before_reading(index)
        events: list[Event] = []
        parsers[index].feed_one(tokens[index], events)
        group.after_reading(index)
        _collect(index, events, ids, deltas)
    ids += group.ids[begin:]
    deltas += texts[begin:]


def _step_several(
    parsers: Sequence[MessageParser], sequence_ids: list[int], tokens: list[int]
) -> None:
    ids: list[int] = []
    deltas: list[str] = []
    runs: dict[int, list[int]] = {}
    for sequence_id, token in zip(sequence_ids, tokens, strict=True):
        runs.setdefault(sequence_id, []).append(token)
    for sequence_id, run in runs.items():
        for events in parsers[sequence_id].feed_in_parts(run):
            _collect(sequence_id, events, ids, deltas)


def _collect(sequence_id: int, events: list[Event], ids: list[int], deltas: list[str]) -> None:
    for event in events:
        if isinstance(event, ContentDelta):
            ids.append(sequence_id)
            deltas.append(event.text)


def _texts(
    encoding: core.HarmonyEncoding, completions: Sequence[Sequence[int]]
) -> Sequence[Sequence[str]]:
    return [[encoding.decode([token]) for token in tokens] for tokens in completions]


def _dump_models(texts: Sequence[Sequence[str]]) -> Callable[[], None]:
    def work() -> None:
        for number, completion in enumerate(texts):
            for text in completion:
                delta = ChoiceDelta(content=text)
                ChatCompletionChunk(
                    id=f"answer-{number}",
                    choices=[Choice(delta=delta, index=0)],
                    created=1_700_000_000,
                    model="gpt-oss-20b",
                    object="chat.completion.chunk",
                ).model_dump_json()

    return work
