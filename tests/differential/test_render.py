"""The four render functions match the reference, including refusals."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison
from tests.strategies.build import (
    conversation_from_dict,
    message_by_builders,
    message_from_dict,
)
from tests.strategies.conversations import conversations
from tests.strategies.messages import ROLES, messages
from tests.strategies.texts import SURROGATES
from tests.strategies.unrenderable import messages_with, unrenderable_messages


def _rendered(encoding: Any, tokens: list[int]) -> tuple[str, list[int]]:
    """Returns tokens after their text, which makes failures readable."""
    return encoding.decode(tokens), tokens


def _assert_same_render(both: Comparison, message: dict[str, Any], function_tools: bool) -> None:
    def render(harmony: ModuleType, encoding: Any) -> object:
        options = harmony.RenderOptions(conversation_has_function_tools=function_tools)
        return _rendered(encoding, encoding.render(message_from_dict(harmony, message), options))

    both.assert_same(render)


def _assert_same_conversation_renders(
    both: Comparison, conversation: dict[str, Any], auto_drop: bool | None, next_role: str
) -> None:
    def arguments(harmony: ModuleType) -> tuple[Any, Any]:
        config = None
        if auto_drop is not None:
            config = harmony.RenderConversationConfig(auto_drop_analysis=auto_drop)
        return conversation_from_dict(harmony, conversation), config

    def render(harmony: ModuleType, encoding: Any) -> object:
        return _rendered(encoding, encoding.render_conversation(*arguments(harmony)))

    def render_for_training(harmony: ModuleType, encoding: Any) -> object:
        return _rendered(encoding, encoding.render_conversation_for_training(*arguments(harmony)))

    def render_for_completion(harmony: ModuleType, encoding: Any) -> object:
        built, config = arguments(harmony)
        role = harmony.Role(next_role)
        return _rendered(encoding, encoding.render_conversation_for_completion(built, role, config))

    both.assert_same(render)
    both.assert_same(render_for_training)
    both.assert_same(render_for_completion)


@cases("messages")
@given(message=messages(), function_tools=st.booleans())
def test_render_gives_the_same_tokens(
    both: Comparison, message: dict[str, Any], function_tools: bool
) -> None:
    """A single message gives the same tokens, with and without function tools."""
    _assert_same_render(both, message, function_tools)


@cases("messages built by hand")
@given(message=messages())
def test_builder_methods_give_the_same_messages(both: Comparison, message: dict[str, Any]) -> None:
    """A message made with the builder methods is the same and gives the same tokens."""

    def build_and_render(harmony: ModuleType, encoding: Any) -> object:
        built = message_by_builders(harmony, message)
        return built.to_json(), _rendered(encoding, encoding.render(built))

    both.assert_same(build_and_render)


@cases("conversations")
@given(
    conversation=conversations(),
    auto_drop=st.sampled_from([None, True, False]),
    next_role=st.sampled_from(ROLES),
)
def test_conversation_renders_give_the_same_tokens(
    both: Comparison, conversation: dict[str, Any], auto_drop: bool | None, next_role: str
) -> None:
    """A conversation gives the same tokens with each of the three functions and any config."""
    _assert_same_conversation_renders(both, conversation, auto_drop, next_role)


@cases("changed conversations")
@given(message=messages(), change=st.sampled_from(["channel", "recipient", "content_type"]))
def test_changes_show_in_the_next_render(
    both: Comparison, message: dict[str, Any], change: str
) -> None:
    """A conversation changed after a render gives the tokens of its new state."""
    tool = {"name": "f", "description": ""}
    functions = {"functions": {"name": "functions", "tools": [tool]}}
    developer = {
        "role": "developer",
        "content": [{"type": "developer_content", "tools": functions}],
    }

    def render_repeatedly(harmony: ModuleType, encoding: Any) -> object:
        conversation = conversation_from_dict(harmony, {"messages": [message, message]})
        changed = conversation.messages[0]
        renders = [encoding.render_conversation(conversation)]
        setattr(changed, change, "final")
        renders.append(encoding.render_conversation(conversation))
        changed.adding_content("More.")
        renders.append(encoding.render_conversation(conversation))
        conversation.messages.append(message_from_dict(harmony, developer))
        renders.append(encoding.render_conversation(conversation))
        renders.append(encoding.render(changed))
        return [_rendered(encoding, tokens) for tokens in renders]

    both.assert_same(render_repeatedly)


@cases("unrenderable")
@given(
    message=unrenderable_messages(),
    before=st.lists(messages(), max_size=2),
    after=st.lists(messages(), max_size=2),
)
def test_values_that_json_cannot_express_have_the_same_outcome(
    both: Comparison,
    message: dict[str, Any],
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
) -> None:
    """Values that JSON cannot express have the same outcome, alone and in a conversation."""
    _assert_same_render(both, message, function_tools=False)
    conversation = {"messages": [*before, message, *after]}
    _assert_same_conversation_renders(both, conversation, None, "assistant")


@pytest.mark.parametrize("auto_drop", [True, False])
def test_dropped_messages_must_be_renderable_too(both: Comparison, auto_drop: bool) -> None:
    """In a dropped message, a lone surrogate is refused, but misplaced content is not."""
    analysis = {"role": "assistant", "channel": "analysis", "content": "\ud800"}
    misplaced = {**analysis, "content": [{"type": "system_content"}]}
    final = {"role": "assistant", "channel": "final", "content": "4"}
    for dropped in (analysis, misplaced):
        conversation = {"messages": [dropped, final]}
        _assert_same_conversation_renders(both, conversation, auto_drop, "assistant")


@pytest.mark.parametrize(
    "first",
    [
        {"role": "tool", "content": "Hi"},
        {"role": "tool", "content": "\ud800"},
        {"role": "user", "content": [{"type": "system_content", "model_identity": "\ud800"}]},
        {"role": "user", "content": [{"type": "developer_content"}]},
    ],
)
def test_json_is_read_before_anything_is_rendered(both: Comparison, first: dict[str, Any]) -> None:
    """If a conversation has several faults, those that JSON cannot express come first."""
    _assert_same_render(both, first, function_tools=False)
    last = {"role": "user", "content": "\udfff"}
    _assert_same_conversation_renders(both, {"messages": [first, last]}, None, "assistant")


@pytest.mark.parametrize("text", SURROGATES)
def test_surrogates_in_every_field(both: Comparison, text: str) -> None:
    """A lone surrogate is refused in every field, and a pair is joined."""
    for message in messages_with(text):
        _assert_same_render(both, message, function_tools=False)


@pytest.mark.parametrize("keys", [("\ud83d\ude00", "\uffff"), ("\ud83d\ude00", "\U0001f600")])
def test_surrogate_pairs_are_joined_before_keys_are_sorted(
    both: Comparison, keys: tuple[str, str]
) -> None:
    """A key spelled as two surrogates is sorted and compared as one character."""
    namespaces = {key: {"name": f"n{index}", "tools": []} for index, key in enumerate(keys)}
    content = {"type": "developer_content", "tools": namespaces}
    _assert_same_render(both, {"role": "developer", "content": [content]}, function_tools=False)


@pytest.mark.parametrize("auto_drop", [None, True, False])
@pytest.mark.parametrize("next_role", ROLES)
def test_the_empty_conversation_renders(
    both: Comparison, auto_drop: bool | None, next_role: str
) -> None:
    """An empty conversation gives the same tokens for each config and next role."""
    _assert_same_conversation_renders(both, {"messages": []}, auto_drop, next_role)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", ["text", "system_content", "developer_content"])
@pytest.mark.parametrize("name", [None, "", "bob"])
def test_every_content_in_every_role(
    both: Comparison, role: str, kind: str, name: str | None
) -> None:
    """Each kind of content in each role has the same outcome, with and without a name."""
    content = {"type": kind, "text": "Hi"} if kind == "text" else {"type": kind}
    message = {"role": role, "name": name, "content": [content]}
    _assert_same_render(both, message, function_tools=False)
    _assert_same_conversation_renders(both, {"messages": [message]}, None, "assistant")


@pytest.mark.parametrize("field", ["channel", "recipient", "content_type"])
@pytest.mark.parametrize("value", [5, 1.5, True, ["x"], {"x": 1}, b"x"])
def test_fields_that_are_not_strings_are_refused(
    both: Comparison, field: str, value: object
) -> None:
    """Rendering refuses a header field set to anything but a string."""

    def render(harmony: ModuleType, encoding: Any) -> object:
        message = harmony.Message.from_role_and_content(harmony.Role.USER, "Hi")
        setattr(message, field, value)
        return encoding.render(message)

    both.assert_both_refuse(render)


def test_bare_contents_are_refused(both: Comparison) -> None:
    """Rendering refuses a message with a bare `Content`."""

    def render(harmony: ModuleType, encoding: Any) -> object:
        author = harmony.Author(role=harmony.Role.USER)
        return encoding.render(harmony.Message(author=author, content=[harmony.Content()]))

    both.assert_both_refuse(render)


@pytest.mark.parametrize(
    "method",
    ["render", "render_conversation", "render_conversation_for_training"],
)
@pytest.mark.parametrize("argument", [None, [], {}, "x"])
def test_arguments_that_are_not_models_are_refused(
    both: Comparison, method: str, argument: object
) -> None:
    """Rendering refuses anything but a model."""

    def render(_: ModuleType, encoding: Any) -> object:
        return getattr(encoding, method)(argument)

    both.assert_both_refuse(render)


@pytest.mark.parametrize("role", ["assistant", None, 5])
def test_invalid_next_roles_are_refused(both: Comparison, role: object) -> None:
    """A next role that is not a `Role` is refused."""

    def render(harmony: ModuleType, encoding: Any) -> object:
        return encoding.render_conversation_for_completion(harmony.Conversation(), role)

    both.assert_both_refuse(render)
