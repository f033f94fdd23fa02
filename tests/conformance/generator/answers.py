"""BuildAnswer and StreamAnswer: bodies and frames of both APIs, and errors."""

from typing import Any, Final

from harmony_client.openai.v1 import openai_pb2 as pb

from .calls import Calls
from .contract import RESOURCE_EXHAUSTED
from .openai_terms import (
    CREATED,
    DONE,
    MODEL,
    ROLE,
    call,
    choice,
    chunk,
    completion,
    context,
    declared,
    delta,
    end,
    item_id,
    refused,
    thought,
    to_json,
    usage,
)
from .vector import Vector

THOUGHT: Final = "<|channel|>analysis<|message|>Look.<|end|><|start|>assistant"
FINAL: Final = "<|channel|>final<|message|>It rains. ☔<|return|>"
CALL: Final = (
    "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
    '{"city":"Oslo"}<|call|>'
)
_TEXT: Final = "It rains. ☔"
_ECHO: Final = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "store": False}
_ARGUMENTS: Final = '{"city":"Oslo"}'


def outcome(finish_reason: str = "stop", **fields: Any) -> pb.SequenceOutcome:
    """Returns the outcome of a sequence."""
    return pb.SequenceOutcome(finish_reason=finish_reason, **fields)


def build_answer_vectors(calls: Calls) -> list[Vector]:
    """Returns the vectors of BuildAnswer."""
    return [*_bodies(calls), *_build_errors(calls)]


def stream_answer_vectors(calls: Calls) -> list[Vector]:
    """Returns the vectors of StreamAnswer."""
    return [*_streams(calls), *_stream_errors(calls)]


def _build(
    calls: Calls,
    name: str,
    given: pb.AnswerContext,
    text: str,
    body: bytes,
    *outcomes: pb.SequenceOutcome,
    ends: tuple[pb.SequenceEnd, ...] = (end(),),
    reasoning: int = 0,
    http_status: int = 200,
) -> Vector:
    tokens = calls.tokens(text)
    request = pb.BuildAnswerRequest(context=given, step=pb.AnswerStep(tokens=tokens, ends=ends))
    result = pb.AnswerResult(
        body_json=body,
        http_status=http_status,
        prompt_tokens=given.prompt_tokens,
        completion_tokens=len(tokens),
        reasoning_tokens=reasoning,
        outcomes=outcomes,
    )
    return Vector(f"build_answer/{name}", [request], [pb.BuildAnswerResponse(result=result)])


def _bodies(calls: Calls) -> list[Vector]:
    def count(text: str, prompt: int = 0, reasoning: int = 0) -> dict[str, Any]:
        return usage(prompt, len(calls.tokens(text)), reasoning)

    with_tool = context(tools=[declared()])
    looked = len(calls.tokens("Look."))
    called = [call(1, "get_weather", _ARGUMENTS)]
    on_analysis = CALL.replace("commentary", "analysis")
    other = CALL.replace("get_weather", "other")
    cut = "<|channel|>final<|message|>It rains"
    failed = {"message": "Broken.", "type": "server_error", "param": None, "code": None}
    return [
        _build(
            calls,
            "reasoning-and-text",
            context(prompt_tokens=7),
            THOUGHT + FINAL,
            completion(
                [choice("stop", _TEXT, **thought("Look."))], count(THOUGHT + FINAL, 7, looked)
            ),
            outcome(),
            reasoning=looked,
        ),
        _build(
            calls,
            "reasoning-in-one-field",
            context(reasoning_field=pb.REASONING_FIELD_REASONING),
            THOUGHT + FINAL,
            completion(
                [choice("stop", _TEXT, reasoning="Look.")], count(THOUGHT + FINAL, 0, looked)
            ),
            outcome(),
            reasoning=looked,
        ),
        _build(
            calls,
            "a-call",
            with_tool,
            THOUGHT + CALL,
            completion(
                [choice("tool_calls", None, **thought("Look."), tool_calls=called)],
                count(THOUGHT + CALL, 0, looked),
            ),
            outcome("tool_calls"),
            reasoning=looked,
        ),
        _build(
            calls,
            "a-call-on-analysis",
            with_tool,
            on_analysis,
            completion(
                [choice("tool_calls", None, tool_calls=[call(0, "get_weather", _ARGUMENTS)])],
                count(on_analysis),
            ),
            outcome("tool_calls"),
        ),
        _build(
            calls,
            "an-undeclared-call",
            with_tool,
            other,
            completion(
                [choice("tool_calls", None, tool_calls=[call(0, "other", _ARGUMENTS)])],
                count(other),
            ),
            outcome("tool_calls", undeclared_calls=1),
        ),
        _build(
            calls,
            "a-cut-off-text",
            context(),
            cut,
            completion([choice("length", "It rains")], count(cut)),
            outcome("length"),
            ends=(end(0, pb.END_REASON_LENGTH),),
        ),
        _build(
            calls,
            "nothing",
            context(),
            "",
            completion([choice("stop", "")], usage(0, 0)),
            outcome(empty=True),
        ),
        _build(
            calls,
            "a-failed-engine",
            context(),
            cut,
            to_json({"error": failed}),
            outcome(""),
            ends=(end(0, pb.END_REASON_ERROR, "Broken."),),
            http_status=500,
        ),
        _build(
            calls,
            "a-response",
            context(api=pb.API_RESPONSES, echo_json=to_json(_ECHO).decode()),
            THOUGHT + FINAL,
            _response(calls, THOUGHT + FINAL, looked),
            outcome(),
            reasoning=looked,
        ),
    ]


def _response(calls: Calls, text: str, reasoning: int) -> bytes:
    output = [
        {
            "id": item_id("rs", 0),
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Look."}],
            "encrypted_content": None,
            "status": "completed",
        },
        {
            "id": item_id("msg", 1),
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "phase": "final_answer",
            "content": [{"type": "output_text", "text": _TEXT, "annotations": [], "logprobs": []}],
        },
    ]
    sampled = len(calls.tokens(text))
    counts = {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": sampled,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": sampled,
    }
    return to_json(
        {
            "id": "chatcmpl-1",
            "object": "response",
            "created_at": CREATED,
            "model": MODEL,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "output": output,
            **_ECHO,
            "usage": counts,
        }
    )


def _build_errors(calls: Calls) -> list[Vector]:
    step = pb.AnswerStep(tokens=calls.tokens(FINAL), ends=[end()])
    cases = {
        "no-context": (pb.AnswerContext(), refused("INVALID_CONTEXT", "context.api")),
        "no-id": (context(""), refused("INVALID_CONTEXT", "context.header.id")),
        "too-many-choices": (
            context(choices=129),
            refused(
                "LIMIT_EXCEEDED",
                "context.choices",
                code=RESOURCE_EXHAUSTED,
                limit="MAX_CHOICES",
                maximum="128",
            ),
        ),
        "choices-of-a-response": (
            context(api=pb.API_RESPONSES, choices=2),
            refused("INVALID_CONTEXT", "context.choices"),
        ),
        "an-open-choice": (context(choices=2), refused("INVALID_FIELD", "step.ends")),
    }
    return [
        Vector(
            f"build_answer/errors/{name}",
            [pb.BuildAnswerRequest(context=given, step=step)],
            error=error,
        )
        for name, (given, error) in cases.items()
    ]


def _stream(
    name: str,
    given: pb.AnswerContext,
    steps: list[tuple[pb.AnswerStep, pb.StreamAnswerResponse]],
    opened: bytes = ROLE,
) -> Vector:
    opening = pb.StreamAnswerRequest(open=pb.OpenAnswer(context=given))
    return Vector(
        f"stream_answer/{name}",
        [opening, *(pb.StreamAnswerRequest(step=step) for step, _ in steps)],
        [
            pb.StreamAnswerResponse(frames=opened),
            *(response for _, response in steps),
            pb.StreamAnswerResponse(),
        ],
    )


def _result(
    calls: Calls, text: str, *outcomes: pb.SequenceOutcome, reasoning: int = 0
) -> pb.AnswerResult:
    return pb.AnswerResult(
        http_status=200,
        completion_tokens=len(calls.tokens(text)),
        reasoning_tokens=reasoning,
        outcomes=outcomes,
    )


def _streams(calls: Calls) -> list[Vector]:
    def step(text: str, *ends: pb.SequenceEnd) -> pb.AnswerStep:
        return pb.AnswerStep(tokens=calls.tokens(text), ends=ends)

    def sent(*frames: bytes, **fields: Any) -> pb.StreamAnswerResponse:
        return pb.StreamAnswerResponse(frames=b"".join(frames), **fields)

    streamed = context(stream=True)
    looked = len(calls.tokens("Look."))
    begun = {
        "index": 0,
        "id": item_id("call", 1),
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    arguments = {"index": 0, "function": {"arguments": _ARGUMENTS}}
    ended = chunk(delta({}, "stop"))
    body = completion([choice("stop", _TEXT)], usage(0, len(calls.tokens(FINAL))))
    return [
        _stream(
            "reasoning-and-text",
            streamed,
            [
                (step(THOUGHT), sent(chunk(delta(thought("Look."))))),
                (step(FINAL), sent(chunk(delta({"content": _TEXT})))),
                (
                    step("", end()),
                    sent(
                        ended,
                        DONE,
                        result=_result(calls, THOUGHT + FINAL, outcome(), reasoning=looked),
                    ),
                ),
            ],
        ),
        _stream(
            "a-call",
            context(stream=True, tools=[declared()]),
            [
                (
                    step(THOUGHT + CALL, end()),
                    sent(
                        chunk(delta(thought("Look."))),
                        chunk(delta({"tool_calls": [begun]})),
                        chunk(delta({"tool_calls": [arguments]})),
                        chunk(delta({}, "tool_calls")),
                        DONE,
                        result=_result(
                            calls, THOUGHT + CALL, outcome("tool_calls"), reasoning=looked
                        ),
                    ),
                )
            ],
        ),
        _stream(
            "usage",
            context(stream=True, include_usage=True),
            [
                (
                    step(FINAL, end()),
                    sent(
                        chunk(delta({"content": _TEXT}), usage=None),
                        chunk(delta({}, "stop"), usage=None),
                        chunk(usage=usage(0, len(calls.tokens(FINAL)))),
                        DONE,
                        result=_result(calls, FINAL, outcome()),
                    ),
                )
            ],
            chunk(delta({"role": "assistant"}), usage=None),
        ),
        _stream(
            "one-body",
            context(),
            [
                (step(FINAL), sent()),
                (
                    step("", end()),
                    sent(
                        result=pb.AnswerResult(
                            body_json=body,
                            http_status=200,
                            completion_tokens=len(calls.tokens(FINAL)),
                            outcomes=[outcome()],
                        )
                    ),
                ),
            ],
            b"",
        ),
        _cancelled(calls, streamed),
    ]


def _line(frame: bytes) -> bytes:
    return frame.removeprefix(b"data: ").removesuffix(b"\n")


def _cancelled(calls: Calls, given: pb.AnswerContext) -> Vector:
    tokens = calls.tokens("<|channel|>final<|message|>It")
    result = pb.AnswerResult(
        http_status=200,
        completion_tokens=len(tokens),
        outcomes=[pb.SequenceOutcome()],
    )
    return Vector(
        "stream_answer/a-half-close-cancels",
        [
            pb.StreamAnswerRequest(open=pb.OpenAnswer(context=given, framing=pb.FRAMING_LINES)),
            pb.StreamAnswerRequest(step=pb.AnswerStep(tokens=tokens)),
        ],
        [
            pb.StreamAnswerResponse(frames=_line(ROLE)),
            pb.StreamAnswerResponse(frames=_line(chunk(delta({"content": "It"})))),
            pb.StreamAnswerResponse(result=result),
        ],
    )


def _stream_errors(calls: Calls) -> list[Vector]:
    opening = pb.StreamAnswerRequest(open=pb.OpenAnswer(context=context()))
    token = calls.tokens("a")
    cases = {
        "no-opening": ([pb.StreamAnswerRequest(step=pb.AnswerStep())], "OUT_OF_ORDER", "request"),
        "two-openings": ([opening, opening], "OUT_OF_ORDER", "request"),
        "an-invalid-context": (
            [pb.StreamAnswerRequest(open=pb.OpenAnswer())],
            "INVALID_CONTEXT",
            "open.context.api",
        ),
        "an-unknown-choice": (
            [opening, pb.StreamAnswerRequest(step=pb.AnswerStep(tokens=token, choices=[1]))],
            "UNKNOWN_SEQUENCE",
            "step.choices[0]",
        ),
        "an-end-without-a-reason": (
            [opening, pb.StreamAnswerRequest(step=pb.AnswerStep(ends=[pb.SequenceEnd()]))],
            "INVALID_FIELD",
            "step.ends[0].reason",
        ),
    }
    return [
        Vector(
            f"stream_answer/errors/{name}",
            requests,
            [pb.StreamAnswerResponse()] * (len(requests) - 1),
            refused(reason, field),
        )
        for name, (requests, reason, field) in cases.items()
    ]
