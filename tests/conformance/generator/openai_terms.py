"""Requests, contexts and bodies of the OpenAI layer, written by hand."""

import hashlib
import json
from typing import Any, Final

from harmony_client._google import status_pb2
from harmony_client.openai.v1 import openai_pb2 as pb

from .contract import INVALID_ARGUMENT, failure

CREATED: Final = 1_750_000_000
MODEL: Final = "gpt-oss-20b"
STOP_TOKENS: Final = (200002, 200012)
USER: Final = {"role": "user", "content": "Will it rain?"}
FUNCTION: Final = {
    "name": "get_weather",
    "description": "Gets the weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def to_json(value: object) -> bytes:
    """Returns a value as the server writes JSON: compact, as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def header(answer_id: str) -> pb.AnswerHeader:
    """Returns the header of an answer."""
    return pb.AnswerHeader(id=answer_id, created=CREATED)


def context(
    answer_id: str = "chatcmpl-1", api: "pb.Api" = pb.API_CHAT_COMPLETIONS, **fields: Any
) -> pb.AnswerContext:
    """Returns a context with one choice, unless `fields` say otherwise."""
    return pb.AnswerContext(
        api=api,
        header=pb.AnswerHeader(id=answer_id, created=CREATED, model=MODEL),
        **{"choices": 1, **fields},
    )


def rendered_context(answer_id: str, api: "pb.Api", **fields: Any) -> pb.AnswerContext:
    """Returns a context as a Render RPC gives it, with the defaults of the policy."""
    given = {"reasoning_field": pb.REASONING_FIELD_BOTH, "encrypted_reasoning": True, **fields}
    return context(answer_id, api, **given)


def declared(name: str = "get_weather", namespace: str = "functions") -> pb.DeclaredTool:
    """Returns a function, as an answer knows it."""
    return pb.DeclaredTool(
        kind=pb.TOOL_KIND_FUNCTION,
        rendered_namespace=namespace,
        rendered_name=name,
        name=name,
    )


def end(
    sequence: int = 0, reason: "pb.EndReason" = pb.END_REASON_STOP, message: str | None = None
) -> pb.SequenceEnd:
    """Returns the end of a sequence."""
    return pb.SequenceEnd(sequence=sequence, reason=reason, error_message=message)


def item_id(prefix: str, ordinal: int, answer_id: str = "chatcmpl-1", choice: int = 0) -> str:
    """Returns the id of the item of a choice's message."""
    digest = hashlib.sha256(f"{choice}.{ordinal}.{answer_id}".encode()).hexdigest()
    return f"{prefix}_{digest[:24]}"


def refused(
    reason: str, field: str, *, code: int = INVALID_ARGUMENT, **metadata: str
) -> status_pb2.Status:
    """Returns the status of an error of the OpenAI layer."""
    return failure(reason, field=field, metadata=metadata, code=code, domain="harmony.openai.v1")


def refused_body(
    reason: str, field: str, *, code: int = INVALID_ARGUMENT, **metadata: str
) -> status_pb2.Status:
    """Returns the status of a body at fault, without the text for the client."""
    return refused(reason, field, code=code, http_status="400", **metadata)


def usage(prompt: int, completion: int, reasoning: int = 0, cached: int = 0) -> dict[str, Any]:
    """Returns the usage of a chat completion."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def completion(choices: list[dict[str, Any]], counts: dict[str, Any]) -> bytes:
    """Returns the body of a chat completion."""
    return to_json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": CREATED,
            "model": MODEL,
            "choices": choices,
            "usage": counts,
        }
    )


def choice(finish_reason: str, content: str | None, index: int = 0, **members: Any) -> Any:
    """Returns a choice of a chat completion; `members` are those of its message."""
    message = {"role": "assistant", "content": content, "refusal": None, **members}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish_reason}


def thought(text: str) -> dict[str, Any]:
    """Returns the members of a message that have its reasoning."""
    return {"reasoning": text, "reasoning_content": text}


def call(ordinal: int, name: str, arguments: str, **place: Any) -> dict[str, Any]:
    """Returns a tool call of a chat completion."""
    return {
        "id": item_id("call", ordinal, **place),
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def chunk(*choices: dict[str, Any], answer_id: str = "chatcmpl-1", **members: Any) -> bytes:
    """Returns the event of a chunk."""
    body = {
        "id": answer_id,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "choices": list(choices),
        **members,
    }
    return b"data: %b\n\n" % to_json(body)


def delta(
    content: dict[str, Any], finish_reason: str | None = None, index: int = 0
) -> dict[str, Any]:
    """Returns a choice of a chunk."""
    return {"index": index, "delta": content, "logprobs": None, "finish_reason": finish_reason}


DONE: Final = b"data: [DONE]\n\n"
ROLE: Final = chunk(delta({"role": "assistant"}))
