"""A known prompt with one new turn costs at most 3 times a call that does nothing."""

from collections.abc import Sequence

from devtools import material
from harmony_client.v1 import chat_pb2, service_pb2

from .. import load
from ..compare import alternate, milliseconds
from ..results import Goal, Row, costing
from ..servers import floor_server, harmony_server
from .cached_render import last_turn

_TURNS = 100
_CALLS = 40
_ROUNDS = 7


def measure() -> list[Row]:
    """Renders the same conversation with a new last turn in every call."""
    known = material.conversation(0, _TURNS - 1)
    # Round 0 warms up.
    requests = [
        _requests(known, range(number * _CALLS, (number + 1) * _CALLS))
        for number in range(_ROUNDS + 1)
    ]
    with harmony_server() as ours:
        warm_up = load.call_in_turn(ours, load.RENDER_FOR_COMPLETION, requests[0][:3])
        with floor_server(warm_up.mean_answer_bytes) as floor:
            comparison = alternate(
                lambda number: (
                    load.call_in_turn(
                        ours, load.RENDER_FOR_COMPLETION, requests[number]
                    ).cpu_seconds_per_message
                ),
                lambda number: (
                    load.call_in_turn(
                        floor, load.FLOOR_UNARY, requests[number]
                    ).cpu_seconds_per_message
                ),
                _ROUNDS,
            )
    return [
        costing(
            f"`RenderConversationForCompletion` of {_TURNS} turns, all but the last cached:"
            " server CPU per call",
            milliseconds(comparison.ours),
            f"no-op call with as many bytes {milliseconds(comparison.other)}",
            comparison,
            Goal("at most", 3),
        )
    ]


def _requests(known: Sequence[material.JsonObject], seeds: range) -> list[bytes]:
    return [
        service_pb2.RenderConversationForCompletionRequest(
            conversation=material.to_proto([*known, *last_turn(seed)]),
            next_turn_role=chat_pb2.ROLE_ASSISTANT,
        ).SerializeToString()
        for seed in seeds
    ]
