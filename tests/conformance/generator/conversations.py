"""The three RPCs that render a conversation."""

from collections.abc import Callable
from typing import Final, TypeVar

from google.protobuf.message import Message

from harmony_client.v1 import chat_pb2 as chat
from harmony_client.v1 import service_pb2 as pb

from .calls import Calls
from .contract import (
    assistant,
    conversation,
    developer,
    invalid_field,
    message,
    namespace,
    system,
    tool,
    user,
    with_functions,
)
from .renders import BAD_MESSAGES
from .vector import Vector

_Request = TypeVar("_Request", bound=Message)

_KEEP = pb.RenderConversationConfig(auto_drop_analysis=False)
_DROP = pb.RenderConversationConfig(auto_drop_analysis=True)
_RULES: Final = {
    "keep": pb.RenderConversationConfig(analysis=pb.ANALYSIS_RULE_KEEP),
    "current-turn": pb.RenderConversationConfig(analysis=pb.ANALYSIS_RULE_CURRENT_TURN),
    "none": pb.RenderConversationConfig(analysis=pb.ANALYSIS_RULE_NONE),
}
_JSON = "<|constrain|>json"
_WEATHER = tool(
    "get_weather",
    "Gets the weather.",
    '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}',
)


def _thought(value: str = "Hm.") -> chat.Message:
    return assistant(value, "analysis")


def _answer(value: str = "Yes.") -> chat.Message:
    return assistant(value, "final")


def _call() -> chat.Message:
    return assistant('{"city":"Oslo"}', "commentary", "functions.get_weather", _JSON)


def _result(channel: str | None = "commentary") -> chat.Message:
    return message(
        chat.ROLE_TOOL,
        "rain",
        name="functions.get_weather",
        recipient="assistant",
        channel=channel,
    )


def _of_user(value: str, channel: str) -> chat.Message:
    return message(chat.ROLE_USER, value, channel=channel)


_TURN: Final = (system(), with_functions(_WEATHER), user("Does it rain in Oslo?"), _thought())
# If the last assistant message is final, analysis before the first final message is dropped.
_DROPS: Final = {
    "no-analysis": (user("a"), _answer()),
    "one-turn": (user("a"), _thought(), _answer()),
    "last-is-analysis": (user("a"), _answer(), user("b"), _thought()),
    "last-is-a-call": (user("a"), _thought(), _answer(), user("b"), _thought("2"), _call()),
    "last-is-commentary": (user("a"), _thought(), assistant("I look.", "commentary")),
    "last-has-no-channel": (user("a"), _thought(), _answer(), assistant("b")),
    "final-then-user": (user("a"), _thought(), _answer(), user("b")),
    "final-then-tool": (user("a"), _thought(), _answer(), _result()),
    "analysis-behind-the-first-final": (
        *(user("a"), _thought("1"), _answer("1")),
        *(user("b"), _thought("2"), _answer("2")),
    ),
    "final-then-analysis-then-final": (_answer("1"), _thought("2"), _answer("2")),
    "only-commentary-and-calls-stay": (user("a"), _thought(), _call(), _result(), _answer()),
    "analysis-of-a-user": (_of_user("a", "analysis"), _thought(), _answer()),
    "analysis-of-a-tool": (user("a"), _thought(), _call(), _result("analysis"), _answer()),
    "final-of-a-user": (_of_user("a", "final"), _thought(), _answer()),
    "final-of-a-user-alone": (_thought(), _of_user("a", "final")),
    "final-of-a-user-last": (_thought(), _answer("1"), _of_user("a", "final")),
    "call-on-analysis": (
        user("a"),
        assistant("1+1", "analysis", "python", "code"),
        message(chat.ROLE_TOOL, "2", name="python", recipient="assistant", channel="analysis"),
        _answer(),
    ),
    "other-spelling-of-final": (user("a"), _thought(), assistant("b", "Final")),
    "two-answers-then-user": (
        *(user("a"), _thought("1"), _answer("1"), _thought("2"), _answer("2")),
        *(user("b"), _thought("3")),
    ),
    "turn-cut-short": (
        *(user("a"), _thought("1"), _answer("1"), _thought("2")),
        *(user("b"), _thought("3"), _call(), _result(), _thought("4"), _answer("4")),
    ),
    "everything": (_thought("1"), _thought("2"), _answer()),
    "what-cannot-be-rendered": (
        message(chat.ROLE_TOOL, "a nameless tool", channel="analysis"),
        _answer(),
    ),
}
_CONVERSATIONS: Final = {
    "empty": (),
    "one-message": (user("Hello"),),
    "turn": _TURN,
    "turn-with-a-call": (*_TURN, _call(), _result()),
    "turn-with-an-answer": (*_TURN, _call(), _result(), _answer()),
    "same-message-again": (user("Hello"), user("Hello"), assistant("Hello"), user("Hello")),
    "every-role": (
        system(),
        developer(chat.DeveloperContent(instructions="Be brief.")),
        message(chat.ROLE_USER, "Hei", name="kari"),
        _thought(),
        _call(),
        _result(),
        message(chat.ROLE_ASSISTANT),
    ),
    "unicode": (user("Åpner 東京駅 nå? 🚉"), _answer("Да, сейчас. 🙂")),
}
_FUNCTIONS: Final = {
    "behind-the-system": (system(), with_functions(_WEATHER), user("a")),
    "before-the-system": (with_functions(_WEATHER), system(), user("a")),
    "two-systems": (system(), user("a"), system(), with_functions(_WEATHER)),
    "namespace-without-tools": (
        system(),
        developer(chat.DeveloperContent(tools=[namespace("functions")])),
    ),
    "other-namespace": (
        system(),
        developer(chat.DeveloperContent(tools=[namespace("shell", tool("run"))])),
    ),
    "by-key": (
        system(),
        developer(chat.DeveloperContent(tools=[namespace("f", tool("g"), key="functions")])),
    ),
    "other-key": (
        system(),
        developer(chat.DeveloperContent(tools=[namespace("functions", tool("g"), key="f")])),
    ),
    "of-the-system": (
        system(chat.SystemContent(tools=[namespace("functions", tool("f"))])),
        user("a"),
    ),
    "without-channels": (
        system(chat.SystemContent(channel_config=chat.ChannelConfig())),
        with_functions(_WEATHER),
    ),
    "second-content": (
        system(),
        message(
            chat.ROLE_DEVELOPER,
            "First.",
            chat.Content(developer=chat.DeveloperContent(tools=[namespace("functions", _WEATHER)])),
        ),
    ),
}
_ROLES: Final = {
    "user": chat.ROLE_USER,
    "assistant": chat.ROLE_ASSISTANT,
    "system": chat.ROLE_SYSTEM,
    "developer": chat.ROLE_DEVELOPER,
    "tool": chat.ROLE_TOOL,
}
_TRAININGS: Final = {
    "empty": (),
    "answer": (user("a"), _answer()),
    "answer-behind-analysis": (user("a"), _thought(), _answer()),
    "answers": (user("a"), _answer("1"), user("b"), _answer("2")),
    "answer-to-a-recipient": (user("a"), assistant("b", "final", "user")),
    "answer-to-all": (user("a"), assistant("b", "final", "all")),
    "answer-without-channel": (user("a"), assistant("b")),
    "answer-without-content": (user("a"), message(chat.ROLE_ASSISTANT, channel="final")),
    "answer-that-spells-the-end": (user("a"), _answer("<|end|>")),
    "call": (*_TURN, _call()),
    "analysis": (user("a"), _thought()),
    "user-last": (_answer(), user("a")),
    "final-of-a-user": (user("a"), _of_user("b", "final")),
    "turn": (*_TURN, _call(), _result(), _answer()),
}


def render_conversation_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of dropped messages, of function tools, and of invalid messages."""
    kept = ("one-turn", "analysis-behind-the-first-final", "everything")
    one_turn = conversation(*_DROPS["one-turn"])
    many = [user("Again?"), _thought("Again."), _answer("Yes.")] * 60
    return [
        *[
            calls.render_conversation(name, conversation(*messages))
            for name, messages in _CONVERSATIONS.items()
        ],
        *[
            calls.render_conversation(f"drop/{name}", conversation(*messages))
            for name, messages in _DROPS.items()
        ],
        calls.render_conversation("drop/asked-for", one_turn, _DROP),
        calls.render_conversation("drop/empty-config", one_turn, pb.RenderConversationConfig()),
        *[
            calls.render_conversation(f"keep/{name}", conversation(*_DROPS[name]), _KEEP)
            for name in kept
        ],
        *[
            calls.render_conversation(f"functions/{name}", conversation(*messages))
            for name, messages in _FUNCTIONS.items()
        ],
        *[
            calls.render_conversation(f"analysis/{rule}/{name}", conversation(*messages), config)
            for rule, config in _RULES.items()
            for name, messages in _DROPS.items()
            if name != "what-cannot-be-rendered" or rule == "none"
        ],
        calls.render_conversation("many-messages", conversation(*many)),
        calls.render_conversation("many-messages-kept", conversation(*many), _KEEP),
        calls.render_conversation("large", conversation(user("A long story. " * 4500))),
        *_refused("render_conversation", pb.RenderConversationRequest),
        *[
            _bad_message("render_conversation", pb.RenderConversationRequest, name, 2)
            for name in BAD_MESSAGES
        ],
    ]


def render_conversation_for_completion_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of prompts for each role, and of dropped messages."""
    drops = ("one-turn", "last-is-a-call", "final-then-user", "analysis-behind-the-first-final")
    no_role = pb.RenderConversationForCompletionRequest(conversation=conversation(user("a")))
    return [
        *[
            calls.render_for_completion(name, conversation(*messages))
            for name, messages in _CONVERSATIONS.items()
        ],
        *[
            calls.render_for_completion(f"role/{name}", conversation(user("Hello")), role)
            for name, role in _ROLES.items()
        ],
        *[
            calls.render_for_completion(f"drop/{name}", conversation(*_DROPS[name]))
            for name in drops
        ],
        *[
            calls.render_for_completion(f"keep/{name}", conversation(*_DROPS[name]), config=_KEEP)
            for name in drops
        ],
        *[
            calls.render_for_completion(
                f"analysis/{rule}/{name}", conversation(*_DROPS[name]), config=config
            )
            for rule, config in _RULES.items()
            for name in drops
        ],
        Vector(
            "render_conversation_for_completion/error/no-role",
            [no_role],
            error=invalid_field("next_turn_role"),
        ),
        *_refused("render_conversation_for_completion", pb.RenderConversationForCompletionRequest),
    ]


def render_conversation_for_training_vectors(calls: Calls) -> list[Vector]:
    """Returns vectors of training examples, with and without `<|return|>` at the end."""
    return [
        *[
            calls.render_for_training(name, conversation(*messages))
            for name, messages in _TRAININGS.items()
        ],
        calls.render_for_training("keep/one-turn", conversation(*_DROPS["one-turn"]), _KEEP),
        calls.render_for_training("keep/everything", conversation(*_DROPS["everything"]), _KEEP),
        *[
            calls.render_for_training(f"analysis/{rule}", conversation(*_DROPS["one-turn"]), config)
            for rule, config in _RULES.items()
        ],
        *_refused("render_conversation_for_training", pb.RenderConversationForTrainingRequest),
    ]


def _refused(rpc: str, request_type: Callable[..., _Request]) -> list[Vector]:
    """Returns the vectors of errors that the three RPCs share."""
    schema = with_functions(tool("f", "Does it.", "[]"))
    request = _request(request_type, conversation(user("a"), schema))
    both = _request(request_type, conversation(user("a")))
    both.config.CopyFrom(  # type: ignore[attr-defined]  # all three have it
        pb.RenderConversationConfig(auto_drop_analysis=True, analysis=pb.ANALYSIS_RULE_KEEP)
    )
    field = "conversation.messages[1].content[0].developer.tools[0].tools[0].parameters_json"
    return [
        Vector(
            f"{rpc}/error/no-conversation",
            [_request(request_type, None)],
            error=invalid_field("conversation"),
        ),
        Vector(f"{rpc}/error/parameters", [request], error=invalid_field(field)),
        Vector(
            f"{rpc}/error/rule-and-auto-drop",
            [both],
            error=invalid_field("config.analysis"),
        ),
        _bad_message(rpc, request_type, "tool-without-a-name", 0),
    ]


def _bad_message(rpc: str, request_type: Callable[..., _Request], name: str, place: int) -> Vector:
    item, field = BAD_MESSAGES[name]
    request = _request(request_type, conversation(*[user("a")] * place, item))
    error = invalid_field(f"conversation.messages[{place}].{field}")
    return Vector(f"{rpc}/error/{name}-at-{place}", [request], error=error)


def _request(request_type: Callable[..., _Request], item: chat.Conversation | None) -> _Request:
    request = request_type(conversation=item)
    if isinstance(request, pb.RenderConversationForCompletionRequest):
        request.next_turn_role = chat.ROLE_ASSISTANT
    return request
