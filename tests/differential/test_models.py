"""The models validate, serialize and print as the reference's do."""

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

from tests.differential.cases import cases
from tests.differential.outcomes import Comparison, Refusal
from tests.strategies.build import conversation_from_dict
from tests.strategies.conversations import conversations
from tests.strategies.model_arguments import ModelArguments, model_arguments


@cases("models")
@given(drawn=model_arguments())
def test_constructors_accept_and_refuse_the_same(both: Comparison, drawn: ModelArguments) -> None:
    """Any arguments give the same model, or the same pydantic `ValidationError`."""

    def construct(harmony: ModuleType, _: Any) -> object:
        model = getattr(harmony, drawn.model)(**drawn.arguments)
        return repr(model), model.model_dump()

    both.assert_same(construct)


@cases("serialized")
@given(conversation=conversations())
def test_conversations_survive_json(both: Comparison, conversation: dict[str, Any]) -> None:
    """Every serialized form is the same, and reading it gives the same conversation."""

    def round_trip(harmony: ModuleType, _: Any) -> object:
        built = conversation_from_dict(harmony, conversation)
        read = harmony.Conversation.from_json(built.to_json())
        return (
            repr(built),
            built.to_dict(),
            built.to_json(),
            built.model_dump(),
            [message.to_json() for message in read],
            read == built,
        )

    both.assert_same(round_trip)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"role": "user"},
        {"content": "Hi"},
        {"role": "bot", "content": "Hi"},
        {"role": None, "content": "Hi"},
        {"role": "user", "content": None},
        {"role": "user", "content": 5},
        {"role": "user", "content": [5]},
        {"role": "user", "content": ["Hi"]},
        {"role": "user", "content": [{}]},
        {"role": "user", "content": [{"type": "image"}]},
        {"role": "user", "content": [{"type": "text"}]},
        {"role": "user", "content": [{"type": "text", "text": None}]},
        {"role": "user", "content": [{"type": "text", "text": "Hi", "unknown": 1}]},
        {"role": "user", "content": {"type": "text", "text": "Hi"}},
        {"role": "user", "content": ()},
        {"role": "user", "content": "Hi", "name": 5},
        {"role": "user", "content": "Hi", "channel": 5},
        {"role": "user", "content": "Hi", "unknown": 5},
        {"role": "system", "content": [{"type": "system_content", "reasoning_effort": "low"}]},
        {"role": "system", "content": [{"type": "system_content", "tools": {"a": {}}}]},
        {"role": "system", "content": [{"type": "system_content", "channel_config": {}}]},
    ],
)
def test_odd_dictionaries_are_read_or_refused_the_same_way(
    both: Comparison, message: dict[str, Any]
) -> None:
    """`Message.from_dict` accepts and refuses the same dictionaries."""
    both.assert_same(lambda harmony, _: harmony.Message.from_dict(message).to_dict())


@pytest.mark.parametrize(
    "payload", ["", "{", "null", "[]", "{}", '{"messages": 5}', '{"messages": [5]}', b"{}", None]
)
def test_odd_payloads_are_refused_the_same_way(both: Comparison, payload: Any) -> None:
    """`Conversation.from_json` refuses anything but a conversation."""
    outcome = both.assert_same(lambda harmony, _: harmony.Conversation.from_json(payload).to_dict())
    assert isinstance(outcome, Refusal)


@pytest.mark.parametrize("namespace", ["browser", "python"])
def test_builtin_namespaces_are_the_same(both: Comparison, namespace: str) -> None:
    """A built-in namespace has the same texts and parameters, in the same order."""

    def built_in(harmony: ModuleType, encoding: Any) -> object:
        config = getattr(harmony.ToolNamespaceConfig, namespace)()
        content = harmony.SystemContent.new()
        with_tool = getattr(content, f"with_{namespace}_tool")()
        message = harmony.Message.from_role_and_content(harmony.Role.SYSTEM, with_tool)
        dumped = json.dumps(config.model_dump())
        return dumped, encoding.decode(encoding.render(message)), with_tool is content

    both.assert_same(built_in)


def test_builtin_namespaces_are_not_shared(both: Comparison) -> None:
    """Changing a built-in namespace does not affect the next one."""

    def change_one(harmony: ModuleType, _: Any) -> object:
        config = harmony.ToolNamespaceConfig.browser()
        config.tools[0].parameters["properties"].clear()
        config.tools.pop()
        return harmony.ToolNamespaceConfig.browser().model_dump()

    both.assert_same(change_one)


@pytest.mark.parametrize("value", ["bot", "", "User", None, 5])
@pytest.mark.parametrize("enum", ["Role", "ReasoningEffort", "StreamState", "HarmonyEncodingName"])
def test_unknown_members_are_refused(both: Comparison, enum: str, value: object) -> None:
    """The enumerations refuse unknown values."""
    outcome = both.assert_same(lambda harmony, _: getattr(harmony, enum)(value))
    assert isinstance(outcome, Refusal)


@pytest.mark.parametrize("enum", ["Role", "ReasoningEffort", "StreamState", "HarmonyEncodingName"])
def test_enumerations_have_the_same_members(both: Comparison, enum: str) -> None:
    """The enumerations have the same members with the same values."""

    def members(harmony: ModuleType, _: Any) -> object:
        return [
            (member.name, member.value, str(member), repr(member))
            for member in getattr(harmony, enum)
        ]

    both.assert_same(members)


@pytest.mark.parametrize("content", [None, 5, b"x", ["x"]])
def test_contents_of_wrong_types_are_refused(both: Comparison, content: object) -> None:
    """A message refuses anything but strings and contents."""

    def construct(harmony: ModuleType, _: Any) -> object:
        message = harmony.Message.from_role_and_content(harmony.Role.USER, content)
        return message.to_dict()

    assert isinstance(both.assert_same(construct), Refusal)


def test_models_compare_by_value(both: Comparison) -> None:
    """Messages with equal fields are equal."""

    def compare(harmony: ModuleType, _: Any) -> object:
        messages = [
            harmony.Message.from_role_and_content(harmony.Role.USER, text)
            for text in ("a", "a", "b")
        ]
        return [left == right for left in messages for right in messages]

    both.assert_same(compare)
