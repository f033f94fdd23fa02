"""The body of a known chat with one new turn costs at most twice its conversation."""

import json
from collections.abc import Sequence
from typing import Any

from devtools import material
from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import chat_pb2, service_pb2

from .. import load
from ..compare import alternate, milliseconds
from ..results import Goal, Row, costing
from ..servers import Configuration, harmony_server
from .cached_render import last_turn

_TURNS = 100
_CALLS = 40
_ROUNDS = 7


def measure() -> list[Row]:
    """Renders the same chat with a new last turn in every call, as a body and as messages."""
    known = material.conversation(0, _TURNS - 1)
    # Round 0 warms up.
    chats = [
        [[*known, *last_turn(seed)] for seed in range(number * _CALLS, (number + 1) * _CALLS)]
        for number in range(_ROUNDS + 1)
    ]
    bodies = [list(map(_body_request, chat)) for chat in chats]
    conversations = [list(map(_conversation_request, chat)) for chat in chats]
    with harmony_server(Configuration(("--openai",))) as server:
        comparison = alternate(
            lambda number: (
                load.call_in_turn(
                    server, load.RENDER_CHAT_COMPLETION, bodies[number]
                ).cpu_seconds_per_message
            ),
            lambda number: (
                load.call_in_turn(
                    server, load.RENDER_FOR_COMPLETION, conversations[number]
                ).cpu_seconds_per_message
            ),
            _ROUNDS,
        )
    return [
        costing(
            f"`RenderChatCompletion` of {_TURNS} turns, all but the last cached:"
            " server CPU per call",
            milliseconds(comparison.ours),
            f"`RenderConversationForCompletion` of the same {milliseconds(comparison.other)}",
            comparison,
            Goal("at most", 2),
        )
    ]


def _conversation_request(messages: Sequence[material.JsonObject]) -> bytes:
    return service_pb2.RenderConversationForCompletionRequest(
        conversation=material.to_proto(list(messages)),
        next_turn_role=chat_pb2.ROLE_ASSISTANT,
    ).SerializeToString()


def _body_request(messages: Sequence[material.JsonObject]) -> bytes:
    return openai_pb2.RenderChatCompletionRequest(
        body_json=json.dumps(_to_body(messages), ensure_ascii=False).encode(),
        header=openai_pb2.AnswerHeader(id="chatcmpl-1", created=1_750_000_000),
    ).SerializeToString()


def _to_body(messages: Sequence[material.JsonObject]) -> dict[str, Any]:
    """Returns the body of a chat completion with the same messages."""
    _, developer, *spoken = messages
    (content,) = developer["content"]
    tools = [
        {"type": "function", "function": tool}
        for namespace in content["tools"].values()
        for tool in namespace["tools"]
    ]
    chat: list[dict[str, Any]] = [{"role": "developer", "content": content["instructions"]}]
    for message in spoken:
        text = message["content"][0]["text"]
        call = f"call_{len(chat)}"
        if message["role"] == "user":
            chat.append({"role": "user", "content": text})
        elif message["role"] == "tool":
            called = chat[-1]["tool_calls"][0]["id"]
            chat.append({"role": "tool", "tool_call_id": called, "content": text})
        elif message["channel"] == "analysis":
            chat.append({"role": "assistant", "reasoning": text})
        elif "recipient" in message:
            name = message["recipient"].removeprefix("functions.")
            function = {"name": name, "arguments": text}
            # The reasoning before it is of the same message.
            chat[-1]["tool_calls"] = [{"id": call, "type": "function", "function": function}]
        elif chat[-1]["role"] == "assistant" and "tool_calls" not in chat[-1]:
            chat[-1]["content"] = text
        else:
            chat.append({"role": "assistant", "content": text})
    return {"model": "gpt-oss-20b", "messages": chat, "tools": tools}
