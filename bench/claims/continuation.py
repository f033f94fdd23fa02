"""Continuing 100,000 sampled tokens costs at most twice a call that does nothing."""

import itertools

from devtools import material
from harmony_client.v1 import chat_pb2, service_pb2

from .. import load
from ..compare import alternate, milliseconds
from ..results import Goal, Row, costing
from ..servers import floor_server, harmony_server

_TOKENS = 100_000
_CALLS = 40
_ROUNDS = 9


def measure() -> list[Row]:
    """Continues the tokens of many samples with a tool's result, as a trainer does."""
    completions = (
        [*material.prompt_end(), *material.completion(seed, 1000)] for seed in itertools.count()
    )
    sampled: list[int] = []
    while len(sampled) < _TOKENS:
        sampled += next(completions)
    message = chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.ROLE_TOOL, name="functions.f"),
        recipient="assistant",
        channel="commentary",
        content=[chat_pb2.Content(text=chat_pb2.TextContent(text='{"orders": []}'))],
    )
    request = service_pb2.RenderContinuationRequest(
        sampled=sampled, messages=[message], next_turn_role=chat_pb2.ROLE_ASSISTANT
    ).SerializeToString()
    requests = [request] * _CALLS
    with harmony_server() as ours:
        warm_up = load.call_in_turn(ours, load.RENDER_CONTINUATION, requests[:3])
        with floor_server(warm_up.mean_answer_bytes) as floor:
            comparison = alternate(
                lambda _: (
                    load.call_in_turn(
                        ours, load.RENDER_CONTINUATION, requests
                    ).cpu_seconds_per_message
                ),
                lambda _: (
                    load.call_in_turn(floor, load.FLOOR_UNARY, requests).cpu_seconds_per_message
                ),
                _ROUNDS,
            )
    return [
        costing(
            f"`RenderContinuation` of {len(sampled):,} sampled tokens and a tool's result: server"
            " CPU per call",
            milliseconds(comparison.ours),
            f"no-op call with as many bytes {milliseconds(comparison.other)}",
            comparison,
            Goal("at most", 2),
        )
    ]
