"""RenderChatCompletion and RenderModelResponse: bodies to prompts, and bodies at fault."""

from typing import Any

from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_client.v1 import chat_pb2 as chat

from .calls import Calls
from .contract import (
    RESOURCE_EXHAUSTED,
    assistant,
    conversation,
    message,
    system,
    tool,
    user,
    with_functions,
)
from .openai_terms import (
    FUNCTION,
    MODEL,
    STOP_TOKENS,
    USER,
    declared,
    header,
    refused,
    refused_body,
    rendered_context,
    to_json,
)
from .vector import Vector

_ID = "answer-1"
_TOOLS = {"tools": [{"type": "function", "function": FUNCTION}]}
_SCHEMA = '{"type":"object","properties":{"city":{"type":"string"}}}'
_GET_WEATHER = tool("get_weather", "Gets the weather.", _SCHEMA)
_RAIN = user("Will it rain?")
_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
}
_RENDERED_CALL = assistant(
    '{"city": "Oslo"}', "commentary", recipient="functions.get_weather", content_type="json"
)
_RENDERED_RESULT = message(
    chat.ROLE_TOOL,
    "Rain.",
    name="functions.get_weather",
    channel="commentary",
    recipient="assistant",
)
_ECHO: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "reasoning": {"effort": "medium", "summary": None},
    "store": False,
    "truncation": "disabled",
}


def render_chat_completion_vectors(calls: Calls) -> list[Vector]:
    """Returns the vectors of RenderChatCompletion."""
    return [*_chats(calls), *_chat_errors()]


def render_model_response_vectors(calls: Calls) -> list[Vector]:
    """Returns the vectors of RenderModelResponse."""
    return [*_responses(calls), *_response_errors()]


def _prompt(
    calls: Calls,
    messages: list[chat.Message],
    api: "pb.Api",
    *,
    prefill: str = "",
    sampling: pb.Sampling | None = None,
    **fields: Any,
) -> pb.Prompt:
    tokens = calls.reference.render_for_completion(
        conversation(*messages), chat.ROLE_ASSISTANT, auto_drop_analysis=False
    )
    prefilled = calls.tokens(prefill)
    given = rendered_context(
        _ID,
        api,
        prompt_tokens=len(tokens) + len(prefilled),
        prefilled_tokens=prefilled,
        **fields,
    )
    return pb.Prompt(
        prompt_tokens=[*tokens, *prefilled],
        prefilled=len(prefilled),
        stop_tokens=STOP_TOKENS,
        choices=given.choices,
        stream=given.stream,
        sampling=sampling or pb.Sampling(),
        context=given,
    )


def _chat(
    calls: Calls,
    name: str,
    members: dict[str, Any],
    messages: list[chat.Message],
    policy: pb.RenderPolicy | None = None,
    **expected: Any,
) -> Vector:
    body = {"model": MODEL, "messages": [USER], **members}
    request = pb.RenderChatCompletionRequest(
        body_json=to_json(body), header=header(_ID), policy=policy
    )
    prompt = _prompt(calls, messages, pb.API_CHAT_COMPLETIONS, **expected)
    return Vector(
        f"render_chat_completion/{name}",
        [request],
        [pb.RenderChatCompletionResponse(prompt=prompt)],
    )


def _chats(calls: Calls) -> list[Vector]:
    spoken = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        USER,
    ]
    rain = {"role": "tool", "tool_call_id": "call_1", "content": "Rain."}
    acted = {
        "role": "assistant",
        "reasoning": "Look.",
        "content": "One moment.",
        "tool_calls": [_CALL],
    }
    high = chat.SystemContent(reasoning_effort=chat.REASONING_EFFORT_HIGH)
    duck = chat.SystemContent(
        model_identity="You are a duck.", conversation_start_date="2026-11-28"
    )
    developer = with_functions(_GET_WEATHER)
    prefill = "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
    return [
        _chat(calls, "one-message", {}, [system(), _RAIN]),
        _chat(
            calls,
            "leading-instructions-are-joined",
            {"messages": spoken},
            [
                system(),
                message(
                    chat.ROLE_DEVELOPER,
                    chat.Content(
                        developer=chat.DeveloperContent(instructions="Be brief.\n\nBe kind.")
                    ),
                ),
                _RAIN,
            ],
        ),
        _chat(calls, "tools", _TOOLS, [system(), developer, _RAIN], tools=[declared()]),
        _chat(
            calls,
            "no-tools-by-choice",
            {**_TOOLS, "tool_choice": "none"},
            [system(), _RAIN],
        ),
        _chat(
            calls,
            "a-tool-loop",
            {**_TOOLS, "messages": [USER, acted, rain]},
            [
                system(),
                developer,
                _RAIN,
                assistant("Look.", "analysis"),
                assistant("One moment.", "commentary"),
                _RENDERED_CALL,
                _RENDERED_RESULT,
            ],
            tools=[declared()],
        ),
        _chat(
            calls,
            "reasoning-of-an-earlier-turn",
            {
                "messages": [
                    USER,
                    {"role": "assistant", "reasoning_content": "Look.", "content": "Yes."},
                    USER,
                ]
            },
            [system(), _RAIN, assistant("Yes.", "final"), _RAIN],
        ),
        _chat(
            calls,
            "a-required-call-is-prefilled",
            {**_TOOLS, "tool_choice": "required"},
            [system(), developer, _RAIN],
            prefill=prefill,
            tools=[declared()],
        ),
        _chat(
            calls,
            "sampling",
            {
                "n": 2,
                "stream": True,
                "stream_options": {"include_usage": True},
                "stop": ["END"],
                "temperature": 0.5,
                "top_p": 0.25,
                "seed": 7,
                "max_completion_tokens": 100,
                "top_k": 5,
            },
            [system(), _RAIN],
            choices=2,
            stream=True,
            include_usage=True,
            stop=["END"],
            sampling=pb.Sampling(
                temperature=0.5, top_p=0.25, seed=7, max_tokens=100, extra_json='{"top_k":5}'
            ),
        ),
        _chat(calls, "effort", {"reasoning_effort": "high"}, [system(high), _RAIN]),
        _chat(
            calls,
            "policy",
            {},
            [system(duck), _RAIN],
            pb.RenderPolicy(
                model_identity="You are a duck.",
                conversation_start_date="2026-11-28",
                reasoning_field=pb.REASONING_FIELD_REASONING,
                encrypted_reasoning=False,
            ),
            reasoning_field=pb.REASONING_FIELD_REASONING,
            encrypted_reasoning=False,
        ),
    ]


def _chat_errors() -> list[Vector]:
    def body(**members: Any) -> bytes:
        return to_json({"model": MODEL, "messages": [USER], **members})

    image = [{"role": "user", "content": [{"type": "image_url"}]}]
    result = [{"role": "tool", "tool_call_id": "call_9", "content": ""}]
    cases = {
        "not-json": (b"{", refused_body("MALFORMED_BODY", "body_json")),
        "no-messages": (body(messages=[]), refused_body("INVALID_FIELD", "messages")),
        "an-image": (
            body(messages=image),
            refused_body("UNSUPPORTED_CONTENT", "messages[0].content[0].type"),
        ),
        "an-unknown-call": (
            body(messages=result),
            refused_body("UNKNOWN_CALL_ID", "messages[0].tool_call_id"),
        ),
        "an-unknown-tool": (
            body(**_TOOLS, tool_choice={"type": "function", "function": {"name": "other"}}),
            refused_body("UNKNOWN_TOOL", "tool_choice"),
        ),
        "too-many-choices": (
            body(n=129),
            refused_body(
                "LIMIT_EXCEEDED", "n", code=RESOURCE_EXHAUSTED, limit="MAX_CHOICES", maximum="128"
            ),
        ),
    }
    vectors = [
        Vector(
            f"render_chat_completion/errors/{name}",
            [pb.RenderChatCompletionRequest(body_json=data, header=header(_ID))],
            error=error,
        )
        for name, (data, error) in cases.items()
    ]
    request = pb.RenderChatCompletionRequest(body_json=body())
    error = refused("INVALID_FIELD", "header.id")
    return [*vectors, Vector("render_chat_completion/errors/no-header", [request], error=error)]


def _response(
    calls: Calls,
    name: str,
    members: dict[str, Any],
    messages: list[chat.Message],
    items: list[Any],
    echo: dict[str, Any],
    history: list[Any] | None = None,
    **expected: Any,
) -> Vector:
    body = {"model": MODEL, "input": "Will it rain?", **members}
    request = pb.RenderModelResponseRequest(
        body_json=to_json(body),
        header=header(_ID),
        history_json=None if history is None else to_json(history),
    )
    echo_json = to_json({**_ECHO, **echo}).decode()
    prompt = _prompt(calls, messages, pb.API_RESPONSES, echo_json=echo_json, **expected)
    response = pb.RenderModelResponseResponse(prompt=prompt, input_items_json=to_json(items))
    return Vector(f"render_model_response/{name}", [request], [response])


def _responses(calls: Calls) -> list[Vector]:
    text = {"type": "input_text", "text": "Will it rain?"}
    asked = {"type": "message", "role": "user", "content": [text]}
    tools = [{"type": "function", **FUNCTION}]
    loop = [
        {"role": "user", "content": "Will it rain?", "type": "message"},
        {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Look."}],
        },
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "get_weather",
            "arguments": '{"city": "Oslo"}',
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "Rain."},
    ]
    remembered = [
        asked,
        {
            "type": "message",
            "role": "assistant",
            "phase": "final_answer",
            "content": [{"type": "output_text", "text": "Yes."}],
        },
    ]
    return [
        _response(calls, "a-string", {}, [system(), _RAIN], [asked], {}),
        _response(
            calls,
            "a-tool-loop",
            {"tools": tools, "input": loop, "temperature": 0.5},
            [
                system(),
                with_functions(_GET_WEATHER),
                _RAIN,
                assistant("Look.", "analysis"),
                _RENDERED_CALL,
                _RENDERED_RESULT,
            ],
            loop,
            {"tools": tools, "temperature": 0.5},
            tools=[declared()],
            sampling=pb.Sampling(temperature=0.5),
        ),
        _response(
            calls,
            "history",
            {"previous_response_id": "resp_0"},
            [system(), _RAIN, assistant("Yes.", "final"), _RAIN],
            [asked],
            {"previous_response_id": "resp_0"},
            remembered,
        ),
        _response(
            calls,
            "a-stream",
            {"stream": True, "max_output_tokens": 9},
            [system(), _RAIN],
            [asked],
            {"max_output_tokens": 9},
            stream=True,
            sampling=pb.Sampling(max_tokens=9),
        ),
    ]


def _response_errors() -> list[Vector]:
    cases: dict[str, tuple[dict[str, Any], str, str]] = {
        "no-history": (
            {"previous_response_id": "resp_0"},
            "HISTORY_REQUIRED",
            "previous_response_id",
        ),
        "an-unknown-item": ({"input": [{"type": "dream"}]}, "UNSUPPORTED_ITEM", "input[0].type"),
        "half-a-dialogue": (
            {"input": [{"type": "computer_call_output"}]},
            "UNSUPPORTED_ITEM",
            "input[0].type",
        ),
        "an-unknown-reference": (
            {"input": [{"type": "item_reference", "id": "msg_1"}]},
            "UNKNOWN_REFERENCE",
            "input[0].id",
        ),
    }
    return [
        Vector(
            f"render_model_response/errors/{name}",
            [
                pb.RenderModelResponseRequest(
                    body_json=to_json({"model": MODEL, "input": "Hi.", **members}),
                    header=header(_ID),
                )
            ],
            error=refused_body(reason, field),
        )
        for name, (members, reason, field) in cases.items()
    ] + [
        Vector(
            "render_model_response/errors/a-rejected-tool",
            [
                pb.RenderModelResponseRequest(
                    body_json=to_json(
                        {"model": MODEL, "input": "Hi.", "tools": [{"type": "web_search"}]}
                    ),
                    header=header(_ID),
                    policy=pb.RenderPolicy(unsupported_tools=pb.UNSUPPORTED_REJECT),
                )
            ],
            error=refused_body("UNSUPPORTED_TOOL", "tools[0]"),
        )
    ]
