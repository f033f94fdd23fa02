"""A dialogue gives the same tokens, whichever API it comes through."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harmony_server.openai.render_policy import ReasoningHistory, RenderPolicy

from .dialogues import Dialogue, chat_messages, dialogues, response_items
from .rendering import chat, flat, function, respond

_policies = st.builds(RenderPolicy, reasoning_history=st.sampled_from(ReasoningHistory))
_NAMES = ["Web Search", "f", "unused tool"]


@given(dialogues(), _policies, st.booleans())
def test_messages_and_items_give_the_same_tokens(
    dialogue: Dialogue, policy: RenderPolicy, with_tools: bool
) -> None:
    """Instructions, reasoning, preambles, calls and results alike."""
    names = _NAMES if with_tools else []
    in_chat = chat(
        policy, messages=chat_messages(dialogue), tools=[function(name) for name in names]
    )
    in_response = respond(
        policy, input=response_items(dialogue), tools=[flat(name) for name in names]
    )
    assert list(in_chat.prompt_tokens) == list(in_response.prompt_tokens)
    assert in_chat.context.tools == in_response.context.tools


@given(dialogues())
def test_phases_may_be_missing(dialogue: Dialogue) -> None:
    """Where each step is followed by the user, its calls tell a preamble from an answer."""
    apart = Dialogue(
        dialogue.instructions,
        tuple((question, (step,)) for question, steps in dialogue.turns for step in steps)
        or dialogue.turns,
    )
    in_chat = chat(messages=chat_messages(apart))
    in_response = respond(input=response_items(apart, with_phase=False))
    assert list(in_chat.prompt_tokens) == list(in_response.prompt_tokens)


@given(dialogues(), st.data())
def test_a_history_gives_the_same_tokens_as_the_whole_input(
    dialogue: Dialogue, data: st.DataObject
) -> None:
    """Wherever the caller cuts what it remembers from what is new."""
    items = response_items(dialogue)
    cut = data.draw(st.integers(0, len(items)))
    whole = respond(input=items)
    members: dict[str, Any] = {"previous_response_id": "resp_1"}
    continued = respond(history=items[:cut], input=items[cut:], **members)
    assert list(whole.prompt_tokens) == list(continued.prompt_tokens)
