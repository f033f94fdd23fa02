"""Saying whose each token is costs a new conversation at most 15 % more."""

from devtools import material
from harmony_server import core
from harmony_server.core.bounds import RENDER_CACHE_BYTES
from harmony_server.core.render_cache import RenderCache

from ..compare import alternate, cpu_seconds, milliseconds
from ..results import Goal, Row, costing

_TURNS = 100
_ROUNDS = 15


def measure() -> list[Row]:
    """Renders a new conversation in every round; filling the empty cache is part of the cost."""
    encoding = core.HarmonyEncoding(core.HarmonyEncodingName.HARMONY_GPT_OSS.value)
    conversations = [
        material.to_core(material.conversation(seed, _TURNS)) for seed in range(_ROUNDS + 1)
    ]

    def render_attributed(number: int) -> float:
        encoding.render_cache = RenderCache(RENDER_CACHE_BYTES)
        return cpu_seconds(
            lambda: encoding.render_conversation_attributed(
                conversations[number], next_turn_role=core.Role.ASSISTANT
            )
        )

    def render(number: int) -> float:
        encoding.render_cache = RenderCache(RENDER_CACHE_BYTES)
        return cpu_seconds(
            lambda: encoding.render_conversation_for_completion(
                conversations[number], core.Role.ASSISTANT
            )
        )

    comparison = alternate(render_attributed, render, _ROUNDS)
    return [
        costing(
            f"cold render of {_TURNS} turns with attribution of parts",
            milliseconds(comparison.ours),
            f"without attribution {milliseconds(comparison.other)}",
            comparison,
            Goal("at most", 1.15),
        )
    ]
