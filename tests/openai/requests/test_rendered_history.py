"""What was rendered parses back to the same messages, and grows without changing."""

import itertools

from hypothesis import given

from harmony_server import core
from harmony_server.core.tokenizer import START
from harmony_server.openai.render_policy import ReasoningHistory, RenderPolicy
from harmony_server.openai.requests import plan_chat_completion

from .dialogues import Dialogue, chat_messages, dialogues
from .rendering import ENCODING, HEADER, chat, to_bytes

_ALL = RenderPolicy(reasoning_history=ReasoningHistory.ALL)


@given(dialogues())
def test_the_prompt_parses_back(dialogue: Dialogue) -> None:
    """Each message behind the system and the developer message is read as it was planned."""
    body = to_bytes({"model": "m", "messages": chat_messages(dialogue)})
    plan = plan_chat_completion(body, HEADER, _ALL)
    rendered = ENCODING.render_conversation(
        plan.conversation, core.RenderConversationConfig(analysis=plan.analysis)
    )
    parsed = ENCODING.parse_messages_from_completion_tokens(rendered, None)
    planned = plan.conversation.messages
    assert len(parsed) == len(planned)
    for ours, theirs in zip(planned, parsed, strict=True):
        assert theirs.author == ours.author
        if ours.author.role not in (core.Role.SYSTEM, core.Role.DEVELOPER):
            assert theirs == ours


@given(dialogues())
def test_a_prompt_begins_with_the_prompt_before_it(dialogue: Dialogue) -> None:
    """With all reasoning kept, an engine's prefix cache holds from one request to the next."""
    messages = chat_messages(dialogue)
    first_question = len(dialogue.instructions)
    before = chat(_ALL, messages=messages[: first_question + 1])
    whole = chat(_ALL, messages=messages)
    common = list(before.prompt_tokens)
    if len(messages) > first_question + 1:
        # The turn's role may differ, not what stands before it.
        common = common[: len(common) - common[::-1].index(START)]
    assert list(whole.prompt_tokens[: len(common)]) == common


@given(dialogues())
def test_a_tool_loop_keeps_its_prompts(dialogue: Dialogue) -> None:
    """Within a turn the default keeps the reasoning, so that each prompt extends the last."""
    question, _ = dialogue.turns[-1]
    loop = [step for _, steps in dialogue.turns for step in steps if step.calls]
    prompts = []
    for count in range(len(loop) + 1):
        part = Dialogue(dialogue.instructions, ((question, tuple(loop[:count])),))
        prompts.append(list(chat(messages=chat_messages(part)).prompt_tokens))
    for shorter, longer in itertools.pairwise(prompts):
        assert longer[: len(shorter) - 1] == shorter[:-1]
