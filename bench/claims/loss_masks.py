"""No rule that others use masks what the model samples; each is wrong in every conversation."""

import random
from collections import Counter

from devtools import material
from harmony_server import core
from harmony_server.training import LossPolicy, TrainedMessages, loss_mask

from ..mask_rules import RULES
from ..results import Row

_CONVERSATIONS = 2_000
_KEEP = core.RenderConversationConfig(analysis=core.AnalysisRule.KEEP)
_ALL = LossPolicy(TrainedMessages.ALL)


def measure() -> list[Row]:
    """Applies each rule to the same tokens; all turns are to be trained, with their analysis."""
    encoding = core.HarmonyEncoding(core.HarmonyEncodingName.HARMONY_GPT_OSS.value)
    counts = {name: Counter[str]() for name in RULES}
    total = sampled = 0
    for seed in range(_CONVERSATIONS):
        conversation = material.to_core(_messages(seed))
        rendered = encoding.render_conversation_attributed(conversation, _KEEP, for_training=True)
        exact = loss_mask(conversation.messages, rendered, _ALL)
        total += len(exact)
        sampled += sum(exact)
        for name, rule in RULES.items():
            mask = rule(rendered.tokens)
            counts[name].update(
                trained=sum(mask),
                not_sampled=sum(map(int.__gt__, mask, exact)),
                left_out=sum(map(int.__lt__, mask, exact)),
                wrong=mask != exact,
            )
    return [
        Row(
            f"loss mask, {_CONVERSATIONS:,} conversations, {total:,} tokens: {name}",
            f"{sampled:,} sampled",
            f"{count['trained']:,} trained",
            f"{count['not_sampled']:,} not sampled, {count['left_out']:,} left out; "
            f"{count['wrong']:,} conversations differ",
        )
        for name, count in counts.items()
    ]


def _messages(seed: int) -> list[material.JsonObject]:
    """Returns a conversation of one to three answered turns."""
    rng = random.Random(f"loss masks {seed}")
    turns = 1 + rng.randrange(3)
    return [*material.conversation(seed, turns), *material.answer(rng)]
