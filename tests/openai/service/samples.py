"""Requests, contexts and completions of the service's tests."""

import json
from typing import Any, Final

from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_server import core

ENCODING: Final = core.load_harmony_encoding("HarmonyGptOss")
CREATED: Final = 1_750_000_000

WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
THOUGHT: Final = "<|channel|>analysis<|message|>It may rain.<|end|><|start|>assistant"
FINAL: Final = "<|channel|>final<|message|>It rains in Oslo. ☔<|return|>"
CALL: Final = (
    "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
    '{"city":"Oslo"}<|call|>'
)
STOP: Final = pb.END_REASON_STOP


def tokens(text: str) -> list[int]:
    """Returns the tokens of a text in which special tokens are spelled."""
    return ENCODING.encode(text, allowed_special="all")


def header(answer_id: str = "chatcmpl-1") -> pb.AnswerHeader:
    """Returns a header."""
    return pb.AnswerHeader(id=answer_id, created=CREATED)


def chat_body(**members: Any) -> bytes:
    """Returns the body of a chat completion; without `messages` it has one."""
    body = {"model": "gpt-oss", "messages": [{"role": "user", "content": "Rain?"}], **members}
    return json.dumps(body).encode()


def response_body(**members: Any) -> bytes:
    """Returns the body of a model response; without `input` it has one."""
    return json.dumps({"model": "gpt-oss", "input": "Rain?", **members}).encode()


def context(answer_id: str = "chatcmpl-1", **fields: Any) -> pb.AnswerContext:
    """Returns the context of a chat completion with one choice, unless `fields` say otherwise."""
    given: dict[str, Any] = {"api": pb.API_CHAT_COMPLETIONS, "choices": 1, **fields}
    answer_header = pb.AnswerHeader(id=answer_id, created=CREATED, model="gpt-oss")
    return pb.AnswerContext(header=answer_header, **given)


def with_tool(**fields: Any) -> pb.AnswerContext:
    """Returns a context that declares `get_weather`."""
    tool = pb.DeclaredTool(
        kind=pb.TOOL_KIND_FUNCTION,
        rendered_namespace="functions",
        rendered_name="get_weather",
        name="get_weather",
    )
    return context(tools=[tool], **fields)


def end(sequence: int = 0, reason: "pb.EndReason" = STOP, **fields: Any) -> pb.SequenceEnd:
    """Returns the end of a sequence."""
    return pb.SequenceEnd(sequence=sequence, reason=reason, **fields)


def step(text: str = "", **fields: Any) -> pb.AnswerStep:
    """Returns a step with the tokens of a text."""
    return pb.AnswerStep(tokens=tokens(text), **fields)


def events(frames: bytes) -> list[Any]:
    """Returns the JSON of server-sent events, and `[DONE]` as text."""
    found: list[Any] = []
    for block in frames.decode().split("\n\n"):
        for line in block.splitlines():
            if line.startswith("data: "):
                data = line.removeprefix("data: ")
                found.append(data if data == "[DONE]" else json.loads(data))
    return found
