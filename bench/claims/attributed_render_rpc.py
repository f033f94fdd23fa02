"""Attribution costs a known prompt with one new turn at most 30 % more."""

from collections.abc import Sequence

from devtools import material
from harmony_client.v1 import chat_pb2, service_pb2

from .. import load
from ..compare import alternate, milliseconds
from ..results import Goal, Row, costing
from ..servers import harmony_server
from .cached_render import last_turn

_TURNS = 100
_CALLS = 40
_ROUNDS = 9


def measure() -> list[Row]:
    """Renders the same conversation with a new last turn in every call, on one server."""
    known = material.conversation(0, _TURNS - 1)
    # Round 0 warms up. No last turn is sent twice: the cache would have it.
    attributed, plain = (
        [
            _requests(known, range(begin, begin + _CALLS), attribution)
            for begin in range(first, first + (_ROUNDS + 1) * _CALLS, _CALLS)
        ]
        for first, attribution in (
            (0, service_pb2.ATTRIBUTION_PARTS),
            (10**6, service_pb2.ATTRIBUTION_UNSPECIFIED),
        )
    )
    with harmony_server() as server:
        comparison = alternate(
            lambda number: (
                load.call_in_turn(
                    server, load.RENDER_FOR_COMPLETION, attributed[number]
                ).cpu_seconds_per_message
            ),
            lambda number: (
                load.call_in_turn(
                    server, load.RENDER_FOR_COMPLETION, plain[number]
                ).cpu_seconds_per_message
            ),
            _ROUNDS,
        )
    return [
        costing(
            f"`RenderConversationForCompletion` of {_TURNS} turns, all but the last cached, with"
            " attribution of parts: server CPU per call",
            milliseconds(comparison.ours),
            f"without attribution {milliseconds(comparison.other)}",
            comparison,
            Goal("at most", 1.3),
        )
    ]


def _requests(
    known: Sequence[material.JsonObject], seeds: range, attribution: service_pb2.Attribution
) -> list[bytes]:
    return [
        service_pb2.RenderConversationForCompletionRequest(
            conversation=material.to_proto([*known, *last_turn(seed)]),
            next_turn_role=chat_pb2.ROLE_ASSISTANT,
            attribution=attribution,
        ).SerializeToString()
        for seed in seeds
    ]
