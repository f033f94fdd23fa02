"""Prompts that continue sampled tokens, and what the rules for analysis do to a prefix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server import core
from harmony_server.core import AnalysisRule, Message, RenderConversationConfig, Role
from tests.support.encodings import encoding, tokens_of

_USER = Message.from_role_and_content(Role.USER, "Rain?")
_THOUGHT = Message.from_role_and_content(Role.ASSISTANT, "Ask.").with_channel("analysis")
_CALL = (
    Message.from_role_and_content(Role.ASSISTANT, "{}")
    .with_channel("commentary")
    .with_recipient("functions.f")
    .with_content_type("<|constrain|>json")
)
_RESULT = (
    Message.from_author_and_content(core.Author.new(Role.TOOL, "functions.f"), "yes")
    .with_channel("commentary")
    .with_recipient("assistant")
)
_ANSWER = Message.from_role_and_content(Role.ASSISTANT, "Yes.").with_channel("final")
_MESSAGES = [_USER, _THOUGHT, _CALL, _RESULT, _ANSWER]
_SAMPLED = (
    "<|channel|>analysis<|message|>Ask.<|end|><|start|>assistant"
    "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
)


def _prompt(messages: list[Message], rule: AnalysisRule | None = None) -> list[int]:
    config = RenderConversationConfig(analysis=rule) if rule else None
    conversation = core.Conversation.from_messages(messages)
    return encoding().render_conversation_for_completion(conversation, Role.ASSISTANT, config)


def _history(messages: list[Message], rule: AnalysisRule | None = None) -> list[int]:
    return _prompt(messages, rule)[:-2]


def _is_stable(before: list[Message], added: list[Message], rule: AnalysisRule | None) -> bool:
    shorter, longer = _history(before, rule), _history([*before, *added], rule)
    return longer[: len(shorter)] == shorter


def test_a_prompt_that_continues_sampled_tokens() -> None:
    """Prompt, sampled tokens and the new messages alone are what the model saw and sees next."""
    prompt = _prompt([_USER])
    continued = prompt + tokens_of(_SAMPLED) + _prompt([_RESULT])
    assert encoding().decode(continued) == (
        f"<|start|>user<|message|>Rain?<|end|><|start|>assistant{_SAMPLED}"
        "<|start|>functions.f to=assistant<|channel|>commentary<|message|>yes<|end|>"
        "<|start|>assistant"
    )
    parsed = encoding().parse_messages_from_completion_tokens(tokens_of(_SAMPLED), Role.ASSISTANT)
    rendered_again = _prompt([_USER, *parsed, _RESULT])
    assert rendered_again != continued
    assert len(rendered_again) == len(continued)


@given(st.lists(st.sampled_from(_MESSAGES), max_size=6), st.lists(st.sampled_from(_MESSAGES)))
def test_which_rules_keep_a_prefix(before: list[Message], added: list[Message]) -> None:
    """`KEEP` and `NONE` always do; `CURRENT_TURN` does as long as no user message is added."""
    assert _is_stable(before, added, AnalysisRule.KEEP)
    assert _is_stable(before, added, AnalysisRule.NONE)
    assert _is_stable(
        before, [message for message in added if message is not _USER], AnalysisRule.CURRENT_TURN
    )


@pytest.mark.parametrize(
    ("rule", "before", "added"),
    [
        # The next question takes the analysis of the answered turn out.
        (AnalysisRule.CURRENT_TURN, [_USER, _THOUGHT, _ANSWER], [_USER]),
        # The first answer takes the analysis out; analysis of the next turn brings it back.
        (None, [_USER, _THOUGHT], [_ANSWER]),
        (None, [_USER, _THOUGHT, _ANSWER, _USER], [_THOUGHT, _CALL]),
    ],
)
def test_when_a_prefix_changes(
    rule: AnalysisRule | None, before: list[Message], added: list[Message]
) -> None:
    """Elsewhere a longer conversation may begin with other tokens than the shorter one."""
    assert not _is_stable(before, added, rule)
    assert _is_stable(before, added, AnalysisRule.KEEP)


def test_the_config_of_a_rule() -> None:
    """A rule excludes `auto_drop_analysis`; without one, a config looks as in the reference."""
    assert RenderConversationConfig(analysis=AnalysisRule.NONE).rule is AnalysisRule.NONE
    assert RenderConversationConfig(auto_drop_analysis=False).rule is AnalysisRule.KEEP
    assert RenderConversationConfig().rule is None
    for drops in (False, True):
        with pytest.raises(ValueError, match="analysis excludes auto_drop_analysis"):
            RenderConversationConfig(auto_drop_analysis=drops, analysis=AnalysisRule.KEEP)
    assert repr(RenderConversationConfig()) == "RenderConversationConfig(auto_drop_analysis=True)"
    assert RenderConversationConfig().model_dump() == {"auto_drop_analysis": True}
    config = RenderConversationConfig(analysis=AnalysisRule.KEEP)
    assert config.model_dump()["analysis"] is AnalysisRule.KEEP
    assert "analysis=" in repr(config)
