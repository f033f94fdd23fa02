"""A conversation not seen before renders at least 3 times faster."""

from devtools import material
from harmony_server import core
from harmony_server.core.bounds import RENDER_CACHE_BYTES
from harmony_server.core.render_cache import RenderCache

from .. import reference
from ..compare import alternate, cpu_seconds, milliseconds
from ..results import Goal, Row, faster

_TURNS = 100
_ROUNDS = 11


def measure() -> list[Row]:
    """Renders a new conversation in every round; filling the empty cache is part of the cost."""
    ours = core.HarmonyEncoding(core.HarmonyEncodingName.HARMONY_GPT_OSS.value)
    theirs = reference.encoding()
    texts = [material.to_json(material.conversation(seed, _TURNS)) for seed in range(_ROUNDS + 1)]
    first = core.Conversation.from_json(texts[0])
    tokens = ours.render_conversation_for_completion(first, core.Role.ASSISTANT)

    def render_ours(number: int) -> float:
        conversation = core.Conversation.from_json(texts[number])
        ours.render_cache = RenderCache(RENDER_CACHE_BYTES)
        return cpu_seconds(
            lambda: ours.render_conversation_for_completion(conversation, core.Role.ASSISTANT)
        )

    def render_theirs(number: int) -> float:
        conversation = reference.openai_harmony.Conversation.from_json(texts[number])
        role = reference.openai_harmony.Role.ASSISTANT
        return cpu_seconds(lambda: theirs.render_conversation_for_completion(conversation, role))

    comparison = alternate(render_ours, render_theirs, _ROUNDS)
    return [
        faster(
            f"cold render, {_TURNS} turns, {len(first.messages)} messages, {len(tokens):,} tokens",
            milliseconds(comparison.ours),
            f"reference {milliseconds(comparison.other)}",
            comparison,
            Goal("at least", 3),
        )
    ]
