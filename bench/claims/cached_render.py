"""A known conversation with one new turn renders at least 50 times faster."""

import random

from devtools import material
from harmony_server import core

from .. import reference
from ..compare import alternate, cpu_seconds, milliseconds
from ..results import Goal, Row, faster

_TURNS = 100
_ROUNDS = 15


def measure() -> list[Row]:
    """Renders the same conversation with a new last turn in every round."""
    ours = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    theirs = reference.encoding()
    known = material.conversation(0, _TURNS - 1)
    our_known = material.to_core(known)
    their_known = reference.openai_harmony.Conversation.from_json(material.to_json(known))
    ours.render_conversation_for_completion(our_known, core.Role.ASSISTANT)

    def render_ours(number: int) -> float:
        turn = material.to_core(last_turn(number))
        conversation = core.Conversation.from_messages([*our_known, *turn])
        return cpu_seconds(
            lambda: ours.render_conversation_for_completion(conversation, core.Role.ASSISTANT)
        )

    def render_theirs(number: int) -> float:
        turn = reference.openai_harmony.Conversation.from_json(material.to_json(last_turn(number)))
        conversation = reference.openai_harmony.Conversation.from_messages([*their_known, *turn])
        role = reference.openai_harmony.Role.ASSISTANT
        return cpu_seconds(lambda: theirs.render_conversation_for_completion(conversation, role))

    comparison = alternate(render_ours, render_theirs, _ROUNDS)
    return [
        faster(
            f"render of {_TURNS} turns, all but the last cached",
            milliseconds(comparison.ours),
            f"reference {milliseconds(comparison.other)}",
            comparison,
            Goal("at least", 50),
        )
    ]


def last_turn(seed: int) -> list[material.JsonObject]:
    """Returns the messages that a turn adds to a prompt: the answer and the next question."""
    rng = random.Random(f"last turn {seed}")
    return [*material.answer(rng), material.question(rng)]
