"""Realistic conversations and completions, different for every seed.

They contain prose in several languages, code from the standard library and JSON tool results.
"""

import argparse
import dataclasses
import functools
import heapq
import inspect
import json
import random
import textwrap
from collections.abc import Callable
from typing import Any

from harmony_client.v1 import chat_pb2
from harmony_server import core

JsonObject = dict[str, Any]

# Percentage of sentences that are not English.
_FOREIGN_PERCENT = 12
_ENGLISH = (
    "The build fails on the second run because the cache key leaves out the compiler version.",
    "Could you explain what the difference between the two approaches is, in terms of memory?",
    "I looked at the logs from Tuesday, and the first timeout appears at 14:03:27, not at 14:05.",
    "As far as I can tell, nobody has touched that part of the code since the migration in 2021.",
    "Let's think about this step by step: we have 3 suppliers, 14 warehouses and 2,380 orders.",
    "The user wants a short answer, so I should not list every option, only the two that matter.",
    "If the temperature drops below -5 °C, the valve has to stay closed for at least 20 minutes.",
    "That is a reasonable guess, but the numbers in the report do not support it.",
    "We could either retry with exponential back-off or move the whole thing into a queue.",
    "My grandmother's recipe calls for 250 g of butter, which seems like a lot for eight people.",
    "According to the documentation, `timeout` is in seconds, yet the example passes 5000.",
    'First, open the settings; second, choose "Advanced"; third, switch off automatic updates.',
    "The train from Lyon arrives at 9:42, so there is just enough time to change platforms.",
    "It is worth noting that the median, unlike the mean, is hardly affected by such outliers.",
    "Please rewrite the paragraph in a friendlier tone, and keep it under one hundred words.",
    "The contract ends on 31 March, after which either side may give notice within four weeks.",
    "Nothing in the stack trace points to the database; it looks like a race in the scheduler.",
    "So the answer is 42.7 %, rounded to one decimal place, or 0.427 as a plain fraction.",
    "You are right, and I apologise for the confusion: the second list was sorted by date.",
    "Photosynthesis turns light into chemical energy, which the plant stores as sugar.",
    "What would happen if two clients wrote to the same key within the same millisecond?",
    "The museum is closed on Mondays, but the garden behind it stays open until sunset.",
)
_FOREIGN = (
    "Die Übertragung wurde abgebrochen, weil das Zertifikat seit gestern abgelaufen ist.",
    "Pourriez-vous me rappeler à quelle heure commence la réunion de l'après-midi ?",
    "El paquete llegó dañado, así que pedí la devolución del importe íntegro.",
    "Сервер отвечает слишком медленно, поэтому мы решили увеличить объём памяти.",
    "请把第三段翻译成英文,并保留原来的格式。",
    "会議は午後三時に変更されましたので、ご注意ください。",
    "회의 자료를 오늘 오후까지 보내 주시면 감사하겠습니다.",
    "يرجى التحقق من صحة العنوان قبل إرسال الطلب.",
    "कृपया बैठक का समय एक घंटा आगे बढ़ा दें।",
    "Great job, everyone! 🎉👩‍💻 The launch went really well 🚀🚀 — see you in Zürich 🇨🇭.",
)
_ROLES = {
    "user": chat_pb2.ROLE_USER,
    "assistant": chat_pb2.ROLE_ASSISTANT,
    "system": chat_pb2.ROLE_SYSTEM,
    "developer": chat_pb2.ROLE_DEVELOPER,
    "tool": chat_pb2.ROLE_TOOL,
}
_TOOL_NAME = "search_orders"
_TOOL_DESCRIPTION = "Searches the orders of a customer."
_TOOL_PARAMETERS = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "description": "The customer's name or number."},
        "status": {"type": "string", "enum": ["open", "shipped", "returned"]},
        "limit": {"type": "integer", "default": 20},
    },
    "required": ["customer"],
}
_RECIPIENT = f"functions.{_TOOL_NAME}"


def prose(rng: random.Random, sentences: int) -> str:
    """Returns sentences, some of them not English."""
    return " ".join(
        rng.choice(_FOREIGN if rng.randrange(100) < _FOREIGN_PERCENT else _ENGLISH)
        for _ in range(sentences)
    )


def code(rng: random.Random, lines: int) -> str:
    """Returns consecutive lines from a module of the standard library."""
    source = rng.choice(_sources())
    begin = rng.randrange(len(source) - lines)
    return "\n".join(source[begin : begin + lines])


def records(rng: random.Random, count: int) -> str:
    """Returns a tool's result: JSON text with `count` orders."""
    orders = [
        {
            "order_id": f"A-{rng.randrange(10**7):07}",
            "customer": {"name": rng.choice(("Ana Müller", "李小龙", "Jo Smith")), "vip": False},
            "total": round(rng.uniform(5, 900), 2),
            "status": rng.choice(("open", "shipped", "returned")),
            "created_at": f"2025-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T09:30:00Z",
        }
        for _ in range(count)
    ]
    return json.dumps({"orders": orders}, ensure_ascii=False)


def opening() -> list[JsonObject]:
    """Returns the system and developer messages of a conversation, in canonical JSON form."""
    developer = core.DeveloperContent.new().with_instructions("Answer briefly and politely.")
    developer.with_function_tools(
        [core.ToolDescription.new(_TOOL_NAME, _TOOL_DESCRIPTION, _TOOL_PARAMETERS)]
    )
    return [
        {"role": "system", "content": [core.SystemContent.new().to_dict()]},
        {"role": "developer", "content": [developer.to_dict()]},
    ]


def question(rng: random.Random) -> JsonObject:
    """Returns a user's message."""
    text = prose(rng, rng.randrange(2, 6))
    if rng.randrange(4) == 0:
        text += f"\n\n```python\n{code(rng, 16)}\n```"
    return _message("user", text)


def answer(rng: random.Random) -> list[JsonObject]:
    """Returns the assistant's messages; one in three answers has a tool call."""
    messages = [_message("assistant", prose(rng, 2), channel="analysis")]
    if rng.randrange(3) == 0:
        messages += [_call(rng), _result(rng)]
    text = prose(rng, rng.randrange(3, 8))
    if rng.randrange(3) == 0:
        text += f"\n\n```python\n{code(rng, 20)}\n```\n\n{prose(rng, 2)}"
    return [*messages, _message("assistant", text, channel="final")]


def conversation(seed: int, turns: int) -> list[JsonObject]:
    """Returns a prompt of `turns` questions, all but the last answered, in canonical JSON form."""
    rng = random.Random(seed)
    messages = [*opening(), question(rng)]
    for _ in range(turns - 1):
        messages += [*answer(rng), question(rng)]
    return messages


def completion(seed: int, length: int) -> list[int]:
    """Returns the tokens of a completion, about `length`, without its `<|start|>assistant`.

    Half of them are analysis; a tool call and the final answer follow.
    """
    rng = random.Random(seed)
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)

    def text_of(budget: float, piece: Callable[[], str]) -> str:
        text = piece()
        while len(encoding.encode_ordinary(text)) < budget:
            text += "\n\n" + piece()
        return text

    def explained() -> str:
        return f"{prose(rng, 3)}\n\n```python\n{code(rng, 4)}\n```"

    messages = [
        _message("assistant", text_of(length * 0.5, lambda: prose(rng, 1)), channel="analysis"),
        _call(rng),
        _message("assistant", text_of(length * 0.5 - 100, explained), channel="final"),
    ]
    tokens = encoding.render_conversation_for_training(
        to_core(messages), core.RenderConversationConfig(auto_drop_analysis=False)
    )
    return tokens[len(prompt_end()) :]


def prompt_end() -> list[int]:
    """Returns the tokens before a completion: `<|start|>assistant`."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    return encoding.render_conversation_for_completion(core.Conversation(), core.Role.ASSISTANT)


def to_json(messages: list[JsonObject]) -> str:
    """Returns messages as the JSON text that our core and the reference library read."""
    return json.dumps({"messages": messages})


def to_core(messages: list[JsonObject]) -> core.Conversation:
    """Returns messages as a conversation of the core."""
    return core.Conversation.from_json(to_json(messages))


def to_proto(messages: list[JsonObject]) -> chat_pb2.Conversation:
    """Returns messages as a conversation of the contract."""
    return chat_pb2.Conversation(messages=map(_message_to_proto, messages))


def _message_to_proto(message: JsonObject) -> chat_pb2.Message:
    return chat_pb2.Message(
        author=chat_pb2.Author(role=_ROLES[message["role"]], name=message.get("name")),
        recipient=message.get("recipient"),
        channel=message.get("channel"),
        content_type=message.get("content_type"),
        content=map(_content_to_proto, message["content"]),
    )


def _content_to_proto(content: JsonObject) -> chat_pb2.Content:
    if content["type"] == "text":
        return chat_pb2.Content(text=chat_pb2.TextContent(text=content["text"]))
    if content["type"] == "system_content":
        return chat_pb2.Content(system=chat_pb2.SystemContent())
    tool = chat_pb2.ToolDescription(
        name=_TOOL_NAME,
        description=_TOOL_DESCRIPTION,
        parameters_json=json.dumps(_TOOL_PARAMETERS),
    )
    namespace = chat_pb2.ToolNamespaceConfig(name="functions", tools=[tool])
    developer = chat_pb2.DeveloperContent(instructions=content["instructions"], tools=[namespace])
    return chat_pb2.Content(developer=developer)


def _message(role: str, text: str, **fields: str) -> JsonObject:
    return {"role": role, "content": [{"type": "text", "text": text}], **fields}


def _call(rng: random.Random) -> JsonObject:
    arguments = json.dumps({"customer": f"C{rng.randrange(10**5)}", "status": "open", "limit": 5})
    return _message(
        "assistant",
        arguments,
        channel="commentary",
        recipient=_RECIPIENT,
        content_type="<|constrain|>json",
    )


def _result(rng: random.Random) -> JsonObject:
    text = records(rng, rng.randrange(2, 7))
    return _message("tool", text, name=_RECIPIENT, channel="commentary", recipient="assistant")


@functools.cache
def _sources() -> list[list[str]]:
    modules = (argparse, dataclasses, heapq, json.decoder, textwrap)
    return [inspect.getsource(module).splitlines() for module in modules]
