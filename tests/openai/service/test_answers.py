"""BuildAnswer and StreamAnswer over gRPC."""

import json
from collections.abc import Sequence
from typing import Any, cast

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_server.openai.answer_context import AnswerContext, AnswerHeader, Api
from harmony_server.openai.answers import EndReason, SequenceEnd, build_answer
from tests.support.failures import Failure, failure_of
from tests.support.streams import LockStep

from .samples import (
    CALL,
    CREATED,
    ENCODING,
    FINAL,
    THOUGHT,
    context,
    end,
    events,
    step,
    tokens,
    with_tool,
)

_SECONDS = 30


def _build(
    stub: OpenAIServiceStub, given: pb.AnswerContext, sampled: pb.AnswerStep
) -> pb.AnswerResult:
    request = pb.BuildAnswerRequest(context=given, step=sampled)
    return stub.BuildAnswer(request, timeout=_SECONDS).result


def _stream(
    stub: OpenAIServiceStub, given: pb.AnswerContext, *steps: pb.AnswerStep, **fields: Any
) -> list[pb.StreamAnswerResponse]:
    requests = [
        pb.StreamAnswerRequest(open=pb.OpenAnswer(context=given, **fields)),
        *(pb.StreamAnswerRequest(step=sampled) for sampled in steps),
    ]
    return list(stub.StreamAnswer(iter(requests), timeout=_SECONDS))


def _stream_failure(stub: OpenAIServiceStub, *requests: pb.StreamAnswerRequest) -> Failure:
    return failure_of(lambda: list(stub.StreamAnswer(iter(requests), timeout=_SECONDS)))


def _one_by_one(text: str) -> list[pb.AnswerStep]:
    return [pb.AnswerStep(tokens=[token]) for token in tokens(text)]


def _content(responses: Sequence[pb.StreamAnswerResponse]) -> str:
    found = events(b"".join(response.frames for response in responses))
    deltas = [
        choice["delta"] for event in found if event != "[DONE]" for choice in event["choices"]
    ]
    return "".join(delta.get("content", "") for delta in deltas)


def test_a_body_is_that_of_the_mapping(stub: OpenAIServiceStub) -> None:
    """BuildAnswer gives the body, the counts and the outcome that the mapping gives."""
    result = _build(stub, context(prompt_tokens=5), step(THOUGHT + FINAL, ends=[end()]))
    expected = build_answer(
        ENCODING,
        AnswerContext(
            Api.CHAT_COMPLETIONS,
            AnswerHeader("chatcmpl-1", CREATED, "gpt-oss"),
            prompt_tokens=5,
            encrypted_reasoning=False,
        ),
        tokens(THOUGHT + FINAL),
        (),
        [SequenceEnd(0, EndReason.STOP)],
    )
    assert result.body_json == expected.body_json
    assert result.http_status == 200
    assert (result.prompt_tokens, result.completion_tokens, result.reasoning_tokens) == (
        5,
        len(tokens(THOUGHT + FINAL)),
        4,
    )
    assert list(result.outcomes) == [pb.SequenceOutcome(finish_reason="stop")]
    message = json.loads(result.body_json)["choices"][0]["message"]
    assert (message["content"], message["reasoning"]) == ("It rains in Oslo. ☔", "It may rain.")


def test_a_call_in_a_body(stub: OpenAIServiceStub) -> None:
    """A call of a declared tool is a tool call, and the outcome says so."""
    result = _build(stub, with_tool(), step(THOUGHT + CALL, ends=[end()]))
    (choice,) = json.loads(result.body_json)["choices"]
    assert choice["finish_reason"] == result.outcomes[0].finish_reason == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}


def test_a_failed_engine(stub: OpenAIServiceStub) -> None:
    """An engine's error gives the status 500 and its message."""
    error = end(reason=pb.END_REASON_ERROR, error_message="Out of memory.")
    result = _build(stub, context(), step(FINAL, ends=[error]))
    assert result.http_status == 500
    assert json.loads(result.body_json)["error"]["message"] == "Out of memory."


def test_log_probabilities(stub: OpenAIServiceStub) -> None:
    """Columns of log probabilities become the entries of the content's tokens."""
    sampled = tokens("<|channel|>final<|message|>No.<|return|>")
    columns = pb.LogprobColumns(
        logprobs=[-0.5] * len(sampled),
        alternatives=[1 if index == 3 else 0 for index in range(len(sampled))],
        alternative_tokens=[sampled[3]],
        alternative_logprobs=[-0.25],
    )
    result = _build(
        stub,
        context(logprobs=True),
        pb.AnswerStep(tokens=sampled, logprobs=columns, ends=[end()]),
    )
    content = json.loads(result.body_json)["choices"][0]["logprobs"]["content"]
    assert [(entry["token"], entry["logprob"]) for entry in content] == [("No", -0.5), (".", -0.5)]
    assert content[0]["top_logprobs"][0]["logprob"] == -0.25


def test_a_large_answer_is_built_in_parts(stub: OpenAIServiceStub) -> None:
    """An answer of many tokens, in a thread, is the same as that of few."""
    words = "rain " * 60_000
    result = _build(
        stub, context(), step(f"<|channel|>final<|message|>{words}<|return|>", ends=[end()])
    )
    assert json.loads(result.body_json)["choices"][0]["message"]["content"] == words


def test_a_stream_in_lock_step(stub: OpenAIServiceStub) -> None:
    """Each request is answered at once; the last sequence's end brings the result."""
    stream = LockStep(stub.StreamAnswer)
    opening = pb.OpenAnswer(context=context(stream=True))
    opened = stream.ask(pb.StreamAnswerRequest(open=opening))
    assert events(opened.frames)[0]["choices"][0]["delta"] == {"role": "assistant"}
    received = [
        stream.ask(pb.StreamAnswerRequest(step=sampled)) for sampled in _one_by_one(THOUGHT + FINAL)
    ]
    assert _content(received) == "It rains in Oslo. ☔"
    assert not any(response.HasField("result") for response in received)
    last = stream.ask(pb.StreamAnswerRequest(step=pb.AnswerStep(ends=[end()])))
    assert events(last.frames)[-1] == "[DONE]"
    assert last.result.http_status == 200
    assert stream.half_close() == [pb.StreamAnswerResponse()]


def test_a_stream_of_one_body(stub: OpenAIServiceStub) -> None:
    """Without `stream`, there are no frames, and the result has the body of BuildAnswer."""
    responses = _stream(stub, context(), *_one_by_one(FINAL), pb.AnswerStep(ends=[end()]))
    assert not any(response.frames for response in responses)
    built = _build(stub, context(), step(FINAL, ends=[end()]))
    assert [response.result for response in responses if response.HasField("result")] == [built]


def test_lines(stub: OpenAIServiceStub) -> None:
    """With FRAMING_LINES, every line is a JSON text."""
    responses = _stream(
        stub, context(stream=True), step(FINAL, ends=[end()]), framing=pb.FRAMING_LINES
    )
    lines = b"".join(response.frames for response in responses).splitlines()
    assert len(lines) >= 3
    assert all(isinstance(json.loads(line), dict) for line in lines if line != b"[DONE]")


def test_choices(stub: OpenAIServiceStub) -> None:
    """Tokens go to the choice that is named; the result comes with the last end."""
    run = tokens(FINAL)
    both = pb.AnswerStep(
        choices=[0, 1] * len(run), tokens=[token for token in run for _ in range(2)]
    )
    responses = _stream(
        stub,
        context(choices=2),
        both,
        pb.AnswerStep(ends=[end(1)]),
        pb.AnswerStep(ends=[end(0)]),
    )
    assert [response.HasField("result") for response in responses] == [False] * 3 + [True, False]
    choices = json.loads(responses[3].result.body_json)["choices"]
    assert [choice["message"]["content"] for choice in choices] == ["It rains in Oslo. ☔"] * 2


def test_a_stop_string_ends_the_choice(stub: OpenAIServiceStub) -> None:
    """The response names the choice to stop; tokens that still come are skipped."""
    responses = _stream(
        stub, context(stream=True, stop=[" in"]), *_one_by_one(FINAL), pb.AnswerStep(ends=[end()])
    )
    assert _content(responses) == "It rains"
    assert [list(response.stop_choices) for response in responses if response.stop_choices] == [[0]]
    results = [response.result for response in responses if response.HasField("result")]
    assert [result.outcomes[0].finish_reason for result in results] == ["stop"]


def test_a_half_close_cancels(stub: OpenAIServiceStub) -> None:
    """A half-close ends what is open as if cancelled: no more frames, but a result."""
    *_, last = _stream(stub, context(stream=True), step("<|channel|>final<|message|>It"))
    assert last.frames == b""
    assert last.result.completion_tokens == 4


def test_a_stream_without_requests(stub: OpenAIServiceStub) -> None:
    """A half-close before the first request is answered with one empty response."""
    assert list(stub.StreamAnswer(iter(()), timeout=_SECONDS)) == [pb.StreamAnswerResponse()]


_UNKNOWN = cast("pb.Framing", 9)
_OPEN = pb.StreamAnswerRequest(open=pb.OpenAnswer(context=context()))


@pytest.mark.parametrize(
    ("requests", "reason", "field"),
    [
        ([pb.StreamAnswerRequest()], "OUT_OF_ORDER", "request"),
        ([pb.StreamAnswerRequest(step=step())], "OUT_OF_ORDER", "request"),
        ([_OPEN, _OPEN], "OUT_OF_ORDER", "request"),
        (
            [_OPEN, pb.StreamAnswerRequest(step=pb.AnswerStep(tokens=[1], choices=[0, 0]))],
            "INVALID_FIELD",
            "step.choices",
        ),
        (
            [_OPEN, pb.StreamAnswerRequest(step=pb.AnswerStep(tokens=[1, 1], choices=[0, 1]))],
            "UNKNOWN_SEQUENCE",
            "step.choices[1]",
        ),
        (
            [_OPEN, pb.StreamAnswerRequest(step=pb.AnswerStep(ends=[end(0), end(7)]))],
            "UNKNOWN_SEQUENCE",
            "step.ends[1].sequence",
        ),
        (
            [_OPEN, pb.StreamAnswerRequest(step=pb.AnswerStep(ends=[pb.SequenceEnd()]))],
            "INVALID_FIELD",
            "step.ends[0].reason",
        ),
        (
            [
                _OPEN,
                pb.StreamAnswerRequest(
                    step=pb.AnswerStep(tokens=[1, 2], logprobs=pb.LogprobColumns(logprobs=[0.5]))
                ),
            ],
            "INVALID_FIELD",
            "step.logprobs.logprobs",
        ),
        (
            [pb.StreamAnswerRequest(open=pb.OpenAnswer(context=context(), framing=_UNKNOWN))],
            "INVALID_FIELD",
            "open.framing",
        ),
    ],
)
def test_a_stream_at_fault(
    stub: OpenAIServiceStub, requests: list[pb.StreamAnswerRequest], reason: str, field: str
) -> None:
    """A request at fault ends the stream with the field's path."""
    failure = _stream_failure(stub, *requests)
    assert (failure.code, failure.reason, failure.fields, failure.domain) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        reason,
        (field,),
        "harmony.openai.v1",
    )


_TOOL = pb.DeclaredTool(kind=pb.TOOL_KIND_FUNCTION, rendered_name="f", name="f")


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"api": pb.API_UNSPECIFIED}, "INVALID_CONTEXT", "api"),
        ({"choices": 0}, "INVALID_CONTEXT", "choices"),
        ({"choices": 129}, "LIMIT_EXCEEDED", "choices"),
        ({"api": pb.API_RESPONSES, "choices": 2}, "INVALID_CONTEXT", "choices"),
        ({"tools": [pb.DeclaredTool()]}, "INVALID_CONTEXT", "tools[0].kind"),
        (
            {"tools": [_TOOL, pb.DeclaredTool(kind=pb.TOOL_KIND_CUSTOM)]},
            "INVALID_CONTEXT",
            "tools[1].rendered_name",
        ),
        ({"tools": [_TOOL] * 1025}, "LIMIT_EXCEEDED", "tools"),
        ({"stop": ["a", ""]}, "INVALID_CONTEXT", "stop[1]"),
        ({"stop": ["a"] * 17}, "LIMIT_EXCEEDED", "stop"),
        ({"stop": ["é" * 129]}, "LIMIT_EXCEEDED", "stop[0]"),
        ({"echo_json": "["}, "INVALID_CONTEXT", "echo_json"),
        ({"reasoning_field": 9}, "INVALID_CONTEXT", "reasoning_field"),
    ],
)
def test_a_context_at_fault(
    stub: OpenAIServiceStub, fields: dict[str, Any], reason: str, field: str
) -> None:
    """A context that cannot be meant is refused alike by both RPCs, with its field."""
    given = context(**fields)
    opening = pb.StreamAnswerRequest(open=pb.OpenAnswer(context=given))
    streamed = _stream_failure(stub, opening)
    assert (streamed.reason, streamed.fields) == (reason, (f"open.context.{field}",))
    built = failure_of(lambda: _build(stub, given, step(FINAL, ends=[end()])))
    assert (built.reason, built.fields) == (reason, (f"context.{field}",))


@pytest.mark.parametrize("field", ["id", "created", "model"])
def test_a_header_of_a_context(stub: OpenAIServiceStub, field: str) -> None:
    """The header of a context needs an id, a time and a model."""
    given = context()
    given.header.ClearField(field)
    failure = failure_of(lambda: _build(stub, given, step(FINAL, ends=[end()])))
    assert (failure.reason, failure.fields) == ("INVALID_CONTEXT", (f"context.header.{field}",))


def test_every_sequence_must_end(stub: OpenAIServiceStub) -> None:
    """BuildAnswer refuses a step that leaves a sequence open."""
    failure = failure_of(lambda: _build(stub, context(choices=2), step(FINAL, ends=[end(1)])))
    assert (failure.reason, failure.fields) == ("INVALID_FIELD", ("step.ends",))


def test_choices_count_as_open_sequences() -> None:
    """Choices of open answers count against `max_sequences` until their stream has ended."""
    arguments = ("--openai", "--listen", "127.0.0.1:0", "--max-sequences", "4")
    with (
        running_server(*arguments) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        stub = OpenAIServiceStub(channel)
        three = pb.StreamAnswerRequest(open=pb.OpenAnswer(context=context(choices=3)))
        first = LockStep(stub.StreamAnswer)
        first.ask(three)
        failure = _stream_failure(stub, three)
        assert (failure.code, failure.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "LIMIT_EXCEEDED",
        )
        assert failure.metadata == {"limit": "max_sequences", "maximum": "4"}
        first.half_close()
        assert len(_stream(stub, context(choices=4))) == 2
