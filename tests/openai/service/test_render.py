"""RenderChatCompletion and RenderModelResponse over gRPC."""

import json
from typing import Any

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client import Client
from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import chat_pb2
from harmony_server.openai.answer_context import AnswerHeader
from harmony_server.openai.requests import render_chat_completion, render_model_response
from tests.support.failures import Failure, failure_of

from .samples import CREATED, ENCODING, WEATHER, chat_body, header, response_body

_SECONDS = 30
_AUTO_TOOLS = {"tools": [WEATHER]}


def _tools(count: int) -> list[Any]:
    return [{"type": "function", "function": {"name": f"f{index}"}} for index in range(count)]


def _chat(stub: OpenAIServiceStub, body: bytes, **fields: Any) -> pb.Prompt:
    request = pb.RenderChatCompletionRequest(body_json=body, header=header(), **fields)
    return stub.RenderChatCompletion(request, timeout=_SECONDS).prompt


def _response(
    stub: OpenAIServiceStub, body: bytes, **fields: Any
) -> pb.RenderModelResponseResponse:
    request = pb.RenderModelResponseRequest(body_json=body, header=header("resp_1"), **fields)
    return stub.RenderModelResponse(request, timeout=_SECONDS)


def _failure(stub: OpenAIServiceStub, request: pb.RenderChatCompletionRequest) -> Failure:
    return failure_of(lambda: stub.RenderChatCompletion(request, timeout=_SECONDS))


@pytest.mark.parametrize(
    "members",
    [
        {},
        _AUTO_TOOLS,
        {**_AUTO_TOOLS, "tool_choice": "required"},
        {"n": 3, "stream": True, "stop": ["END"], "temperature": 0.5, "max_tokens": 7},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "☔"},
            ]
        },
    ],
    ids=["plain", "tools", "prefill", "sampling", "instructions"],
)
def test_a_prompt_is_that_of_the_mapping(stub: OpenAIServiceStub, members: dict[str, Any]) -> None:
    """Tokens, prefill, context and wishes are those that the mapping gives in this process."""
    body = chat_body(**members)
    expected = render_chat_completion(ENCODING, body, AnswerHeader("chatcmpl-1", CREATED))
    prompt = _chat(stub, body)
    assert list(prompt.prompt_tokens) == list(expected.prompt_tokens)
    assert prompt.prefilled == expected.prefilled
    assert list(prompt.stop_tokens) == list(expected.stop_tokens)
    assert (prompt.choices, prompt.stream) == (expected.choices, expected.stream)
    assert prompt.context.prompt_tokens == len(expected.prompt_tokens)
    assert list(prompt.context.prefilled_tokens) == list(expected.context.prefilled_tokens)
    assert list(prompt.context.stop) == list(expected.context.stop)
    assert prompt.context.header.model == "gpt-oss"
    assert [tool.name for tool in prompt.context.tools] == [
        tool.name for tool in expected.context.tools
    ]
    for field in ("temperature", "max_tokens", "seed"):
        value = getattr(prompt.sampling, field) if prompt.sampling.HasField(field) else None
        assert value == getattr(expected.sampling, field)


def test_the_text_of_a_prompt(stub: OpenAIServiceStub) -> None:
    """The conversation ends with the start of the assistant's turn."""
    prompt = _chat(stub, chat_body())
    text = ENCODING.decode_utf8(prompt.prompt_tokens)
    assert text.endswith("<|start|>user<|message|>Rain?<|end|><|start|>assistant")
    assert prompt.stop_tokens == [200002, 200012]


def test_a_model_response_has_its_input(stub: OpenAIServiceStub) -> None:
    """The prompt of a model response comes with the items to remember; history is left out."""
    history = [{"type": "message", "role": "user", "content": "Hi."}]
    body = response_body(previous_response_id="resp_0")
    response = _response(stub, body, history_json=json.dumps(history).encode())
    expected = render_model_response(
        ENCODING, body, AnswerHeader("resp_1", CREATED), history=json.dumps(history).encode()
    )
    assert list(response.prompt.prompt_tokens) == list(expected.prompt_tokens)
    assert response.input_items_json == expected.input_items_json
    assert [item["role"] for item in json.loads(response.input_items_json)] == ["user"]
    assert response.prompt.context.api == pb.API_RESPONSES
    assert json.loads(response.prompt.context.echo_json)["previous_response_id"] == "resp_0"


def test_a_policy(stub: OpenAIServiceStub) -> None:
    """Every field of the policy is read; what is unset has its default."""
    policy = pb.RenderPolicy(
        model_identity="You are a duck.",
        conversation_start_date="2026-11-28",
        knowledge_cutoff="2025-01",
        default_reasoning_effort=chat_pb2.REASONING_EFFORT_HIGH,
        reasoning_field=pb.REASONING_FIELD_REASONING,
        encrypted_reasoning=False,
        call_content_type="<|constrain|>json",
        reasoning_history=pb.REASONING_HISTORY_ALL,
    )
    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "reasoning": "Think.", "content": "One."},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c", "content": "2"},
    ]
    prompt = _chat(stub, chat_body(messages=messages), policy=policy)
    text = ENCODING.decode_utf8(prompt.prompt_tokens)
    assert "You are a duck.\nKnowledge cutoff: 2025-01\nCurrent date: 2026-11-28\n" in text
    assert "Reasoning: high" in text
    assert "analysis<|message|>Think.<|end|>" in text
    assert "to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>" in text
    assert prompt.context.reasoning_field == pb.REASONING_FIELD_REASONING
    assert not prompt.context.encrypted_reasoning
    plain = _chat(stub, chat_body(messages=messages))
    assert "Think." not in ENCODING.decode_utf8(plain.prompt_tokens)
    assert plain.context.reasoning_field == pb.REASONING_FIELD_BOTH
    assert plain.context.encrypted_reasoning


def test_unsupported_parts_are_noticed_or_refused(stub: OpenAIServiceStub) -> None:
    """A tool without a form in harmony gives a notice or, by the policy, an error."""
    body = response_body(tools=[{"type": "web_search"}])
    (notice,) = _response(stub, body).prompt.notices
    assert (notice.reason, notice.field) == (pb.NOTICE_REASON_TOOL_IGNORED, "tools[0]")
    policy = pb.RenderPolicy(unsupported_tools=pb.UNSUPPORTED_REJECT)
    refused = failure_of(lambda: _response(stub, body, policy=policy))
    assert (refused.reason, refused.fields) == ("UNSUPPORTED_TOOL", ("tools[0]",))


def test_pausing_continues_the_reasoning(stub: OpenAIServiceStub) -> None:
    """With CONTINUE, the engine pauses at `<|end|>`, and the context has the tokens to append."""
    policy = pb.RenderPolicy(tool_choice_method=pb.TOOL_CHOICE_METHOD_CONTINUE)
    prompt = _chat(stub, chat_body(**_AUTO_TOOLS, tool_choice="required"), policy=policy)
    assert prompt.pause_tokens == [200007]
    assert prompt.prefilled == 0
    continued = ENCODING.decode_utf8(prompt.context.continue_tokens)
    assert continued.startswith("<|start|>assistant")
    assert "functions.get_weather" in continued


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        ({"body_json": chat_body()}, "INVALID_FIELD", "header.id"),
        ({"body_json": chat_body(), "header": {"id": "c"}}, "INVALID_FIELD", "header.created"),
        (
            {"body_json": chat_body(), "header": {"id": "c", "created": -1}},
            "INVALID_FIELD",
            "header.created",
        ),
        (
            {
                "body_json": chat_body(),
                "header": {"id": "c", "created": 1},
                "policy": {"call_content_type": ""},
            },
            "INVALID_FIELD",
            "policy.call_content_type",
        ),
        (
            {
                "body_json": chat_body(),
                "header": {"id": "c", "created": 1},
                "policy": {"reasoning_field": 77},
            },
            "INVALID_FIELD",
            "policy.reasoning_field",
        ),
    ],
    ids=["no header", "no time", "a negative time", "an empty content type", "an unknown enum"],
)
def test_a_request_of_the_caller_at_fault(
    stub: OpenAIServiceStub, request_: dict[str, Any], reason: str, field: str
) -> None:
    """What the caller got wrong names a field of the request and has nothing for the client."""
    failure = _failure(stub, pb.RenderChatCompletionRequest(**request_))
    assert (failure.code, failure.reason, failure.fields, failure.domain) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        reason,
        (field,),
        "harmony.openai.v1",
    )
    assert "openai_error_json" not in failure.metadata


@pytest.mark.parametrize(
    ("body", "code", "reason", "field"),
    [
        (b"{", 400, "MALFORMED_BODY", "body_json"),
        (b"\xff", 400, "MALFORMED_BODY", "body_json"),
        (chat_body(messages=[]), 400, "INVALID_FIELD", "messages"),
        (chat_body(messages=[{"role": "user"}]), 400, "INVALID_FIELD", "messages[0].content"),
        (
            chat_body(messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
            400,
            "UNSUPPORTED_CONTENT",
            "messages[0].content[0].type",
        ),
        (
            chat_body(messages=[{"role": "tool", "tool_call_id": "?", "content": ""}]),
            400,
            "UNKNOWN_CALL_ID",
            "messages[0].tool_call_id",
        ),
        (
            chat_body(
                tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "other"}}
            ),
            400,
            "UNKNOWN_TOOL",
            "tool_choice",
        ),
    ],
)
def test_a_body_at_fault(
    stub: OpenAIServiceStub, body: bytes, code: int, reason: str, field: str
) -> None:
    """The error names the place in the body, and has the status and the body for the client."""
    failure = _failure(stub, pb.RenderChatCompletionRequest(body_json=body, header=header()))
    assert (failure.code, failure.reason, failure.fields, failure.domain) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        reason,
        (field,),
        "harmony.openai.v1",
    )
    assert failure.metadata["http_status"] == str(code)
    error = json.loads(failure.metadata["openai_error_json"])["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == (None if field == "body_json" else field)


def test_a_history_is_required_where_the_body_names_one(stub: OpenAIServiceStub) -> None:
    """`previous_response_id` without a history is an error, as of an unknown response."""
    failure = failure_of(lambda: _response(stub, response_body(previous_response_id="resp_0")))
    assert (failure.reason, failure.fields) == ("HISTORY_REQUIRED", ("previous_response_id",))
    assert json.loads(failure.metadata["openai_error_json"])["error"]["param"] == (
        "previous_response_id"
    )


@pytest.mark.parametrize(
    ("members", "limit", "maximum", "field"),
    [
        ({"n": 129}, "MAX_CHOICES", "128", "n"),
        ({"stop": ["x"] * 17}, "MAX_STOP_STRINGS", "16", "stop"),
        ({"stop": "x" * 257}, "MAX_STOP_STRING_BYTES", "256", "stop"),
        ({"tools": _tools(1025)}, "MAX_TOOLS", "1024", "tools[1024].function"),
    ],
    ids=["choices", "stop strings", "a stop string", "tools"],
)
def test_a_limit_of_a_body(
    stub: OpenAIServiceStub, members: dict[str, Any], limit: str, maximum: str, field: str
) -> None:
    """A body beyond a limit is refused with the limit's name and value."""
    request = pb.RenderChatCompletionRequest(body_json=chat_body(**members), header=header())
    failure = _failure(stub, request)
    assert (failure.code, failure.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "LIMIT_EXCEEDED",
    )
    assert (failure.metadata["limit"], failure.metadata["maximum"]) == (limit, maximum)
    assert failure.fields == (field,)
    assert json.loads(failure.metadata["openai_error_json"])["error"]["param"] == field


def test_large_bodies_count_and_are_refused_like_others() -> None:
    """The server's limit on requests holds; a large body is rendered in a thread."""
    arguments = ("--openai", "--listen", "127.0.0.1:0", "--max-request-bytes", "100000")
    with (
        running_server(*arguments) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        stub = OpenAIServiceStub(channel)
        long = chat_body(messages=[{"role": "user", "content": "rain " * 10_000}])
        assert _chat(stub, long).context.prompt_tokens > 10_000
        too_long = chat_body(messages=[{"role": "user", "content": "rain " * 20_000}])
        refused = failure_of(lambda: _chat(stub, too_long))
    assert (refused.reason, refused.metadata["limit"]) == ("LIMIT_EXCEEDED", "max_request_bytes")


def test_prompts_share_the_render_cache_and_the_counters(client: Client) -> None:
    """The same body again finds all its messages in the cache of the first service."""
    body = chat_body(**_AUTO_TOOLS, messages=[{"role": "user", "content": "Only in this test."}])
    first = client.render_chat_completion(body, header())
    before = client.get_render_cache_statistics()
    assert client.render_chat_completion(body, header()) == first
    after = client.get_render_cache_statistics()
    assert (after.hits - before.hits, after.misses - before.misses) == (3, 0)


def test_messages_that_differ_are_not_mistaken_in_the_cache(client: Client) -> None:
    """A message is found only if role, name, channel, recipient and text are all the same."""
    text = "'x'), None"
    bodies = [
        chat_body(messages=[{"role": "user", "content": text}]),
        chat_body(messages=[{"role": "system", "content": text}]),
        chat_body(messages=[{"role": "user", "content": f"({text}"}]),
        chat_body(messages=[{"role": "assistant", "content": text}]),
        chat_body(messages=[{"role": "assistant", "reasoning": text}]),
        chat_body(tools=[WEATHER], messages=[{"role": "user", "content": text}]),
    ]
    for _ in range(2):
        for body in bodies:
            expected = render_chat_completion(ENCODING, body, AnswerHeader("chatcmpl-1", CREATED))
            prompt = client.render_chat_completion(body, header())
            assert list(prompt.prompt_tokens) == list(expected.prompt_tokens)
