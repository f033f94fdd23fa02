"""The plan of a conversation: messages kept, function tools, ending."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server import core
from harmony_server.core.conversation_rules import (
    AnalysisRule,
    ConversationPlan,
    has_function_tools,
    plan_conversation,
)

_USER, _ASSISTANT, _TOOL = core.Role.USER, core.Role.ASSISTANT, core.Role.TOOL
_QUESTION = (_USER, None)
_THOUGHT = (_ASSISTANT, "analysis")
_CALL = (_ASSISTANT, "commentary")
_RESULT = (_TOOL, "commentary")
_ANSWER = (_ASSISTANT, "final")

_Parts = list[tuple[core.Role, str | None]]


def _plan(
    parts: _Parts,
    brings_tools: list[bool] | None = None,
    *,
    rule: AnalysisRule | None = None,
    for_training: bool = False,
) -> ConversationPlan:
    return plan_conversation(
        [role for role, _ in parts],
        [channel for _, channel in parts],
        brings_tools or [False] * len(parts),
        analysis=rule,
        for_training=for_training,
    )


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([], []),
        ([_QUESTION], [0]),
        ([_QUESTION, _THOUGHT], [0, 1]),
        ([_QUESTION, _THOUGHT, _ANSWER], [0, 2]),
        ([_QUESTION, _THOUGHT, _CALL, _RESULT], [0, 1, 2, 3]),
        ([_QUESTION, _THOUGHT, _CALL, _RESULT, _THOUGHT, _ANSWER], [0, 2, 3, 5]),
        # Analysis after the first answer is kept; so is all analysis while a turn is unfinished.
        ([_THOUGHT, _ANSWER, _QUESTION, _THOUGHT, _ANSWER], [1, 2, 3, 4]),
        ([_THOUGHT, _ANSWER, _QUESTION, _THOUGHT], [0, 1, 2, 3]),
        # The last assistant message decides, whatever comes after it.
        ([_THOUGHT, _ANSWER, _QUESTION], [1, 2]),
        ([_THOUGHT, _ANSWER, (_USER, "analysis")], [1, 2]),
        # The author does not matter, neither for `analysis` nor for `final`.
        ([(_USER, "analysis"), _ANSWER], [1]),
        ([_THOUGHT, (_USER, "final"), _THOUGHT, _ANSWER], [1, 2, 3]),
        ([_THOUGHT, (_USER, "final")], [0, 1]),
    ],
)
def test_which_messages_are_kept(parts: _Parts, kept: list[int]) -> None:
    """Analysis before the first final message is dropped if the last turn has its answer."""
    assert _plan(parts) == ConversationPlan(kept, False, False)
    assert _plan(parts, rule=AnalysisRule.KEEP).kept == list(range(len(parts)))


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ([], []),
        ([_QUESTION, _THOUGHT], [0, 1]),
        # An unanswered turn keeps its analysis, and so does the last turn.
        ([_QUESTION, _THOUGHT, _ANSWER], [0, 1, 2]),
        ([_QUESTION, _THOUGHT, _CALL, _RESULT, _THOUGHT, _ANSWER], [0, 1, 2, 3, 4, 5]),
        ([_QUESTION, _THOUGHT, _CALL, _QUESTION, _THOUGHT], [0, 1, 2, 3, 4]),
        # A user message ends the turn before it, up to its last answer.
        ([_QUESTION, _THOUGHT, _ANSWER, _QUESTION], [0, 2, 3]),
        ([_QUESTION, _THOUGHT, _ANSWER, _THOUGHT, _ANSWER, _QUESTION, _THOUGHT], [0, 2, 4, 5, 6]),
        ([_QUESTION, _THOUGHT, _ANSWER, _THOUGHT, _QUESTION, _THOUGHT], [0, 2, 3, 4, 5]),
        ([_QUESTION, _THOUGHT, _ANSWER, _QUESTION, _THOUGHT, _CALL, _RESULT], [0, 2, 3, 4, 5, 6]),
        # Without a user message there is only one turn.
        ([_THOUGHT, _ANSWER, _THOUGHT], [0, 1, 2]),
        ([_QUESTION, _THOUGHT, (_USER, "final"), _THOUGHT, _QUESTION], [0, 1, 2, 3, 4]),
        ([(_USER, "analysis"), _ANSWER, _QUESTION], [1, 2]),
    ],
)
def test_analysis_of_the_current_turn(parts: _Parts, kept: list[int]) -> None:
    """`CURRENT_TURN` drops analysis before the last answer that precedes the last user message."""
    assert _plan(parts, rule=AnalysisRule.CURRENT_TURN).kept == kept


def test_no_analysis() -> None:
    """`NONE` drops every message on channel `analysis`, whoever wrote it."""
    parts: _Parts = [_QUESTION, _THOUGHT, _ANSWER, (_USER, "analysis"), _THOUGHT, _CALL, _RESULT]
    assert _plan(parts, rule=AnalysisRule.NONE).kept == [0, 2, 5, 6]


def test_tools_of_any_message_count() -> None:
    """A conversation has function tools if any message has, even a dropped one."""
    parts: _Parts = [_THOUGHT, _QUESTION, _ANSWER]
    assert not _plan(parts).with_function_tools
    for index in range(3):
        brings_tools = [place == index for place in range(3)]
        assert _plan(parts, brings_tools) == ConversationPlan([1, 2], True, False)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], False),
        ([_ANSWER], True),
        ([_QUESTION, _THOUGHT, _ANSWER], True),
        ([_ANSWER, _QUESTION], False),
        ([_CALL], False),
        ([(_ASSISTANT, None)], False),
        ([(_USER, "final")], False),
    ],
)
def test_the_ending_for_training(parts: _Parts, expected: bool) -> None:
    """A conversation that ends with a final answer ends with `<|return|>` in training only."""
    assert _plan(parts, for_training=True).ends_with_return is expected
    assert _plan(parts).ends_with_return is False


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(core.Role),
            st.sampled_from([None, "analysis", "commentary", "final", "Final"]),
        )
    ),
    rule=st.sampled_from([None, *AnalysisRule]),
    for_training=st.booleans(),
    data=st.data(),
)
def test_the_rules_hold_for_any_conversation(
    parts: _Parts, rule: AnalysisRule | None, for_training: bool, data: st.DataObject
) -> None:
    """The rules hold for each message of any conversation."""
    brings_tools = data.draw(
        st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)), "brings_tools"
    )
    plan = _plan(parts, brings_tools, rule=rule, for_training=for_training)
    by_assistant = [channel for role, channel in parts if role is _ASSISTANT]
    for index, (_, channel) in enumerate(parts):
        match rule:
            case None:
                comes_before_final = "final" not in [earlier for _, earlier in parts[:index]]
                in_the_past = by_assistant[-1:] == ["final"] and comes_before_final
            case AnalysisRule.KEEP:
                in_the_past = False
            case AnalysisRule.CURRENT_TURN:
                # Behind it come an answer and, behind that, a user message.
                later = parts[index:]
                by_user = [role is _USER for role, _ in later]
                in_the_past = _ANSWER in later and True in by_user[later.index(_ANSWER) :]
            case AnalysisRule.NONE:
                in_the_past = True
        assert (index in plan.kept) is not (in_the_past and channel == "analysis")
    assert plan.kept == sorted(set(plan.kept))
    assert plan.with_function_tools is (True in brings_tools)
    assert plan.ends_with_return is (for_training and parts[-1:] == [_ANSWER])


def test_which_messages_have_function_tools() -> None:
    """Only developer contents with tools under the key `functions` count as function tools."""
    tools = [core.ToolDescription.new("f", "d")]
    functions = core.DeveloperContent.new().with_function_tools(tools)
    no_functions = core.DeveloperContent.new().with_function_tools([])
    namespace = core.ToolNamespaceConfig(name="mine", tools=tools)
    other = core.DeveloperContent.new().with_tools(namespace)
    system = core.SystemContent.new().with_tools(
        core.ToolNamespaceConfig(name="functions", tools=tools)
    )
    developer = core.Role.DEVELOPER
    assert has_function_tools(core.Message.from_role_and_content(developer, functions))
    for content in (core.DeveloperContent.new(), no_functions, other, system, "text"):
        assert not has_function_tools(core.Message.from_role_and_content(developer, content))
    both = core.Message.from_role_and_contents(developer, [other, functions])
    assert has_function_tools(both)
