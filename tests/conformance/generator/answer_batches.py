"""StreamAnswerBatch: answers that step together, and errors of single ones."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import Message

from harmony_client._google import status_pb2
from harmony_client.openai.v1 import openai_pb2 as pb

from .answers import FINAL, outcome
from .calls import Calls
from .contract import RESOURCE_EXHAUSTED
from .openai_terms import DONE, ROLE, choice, chunk, completion, context, delta, end, refused, usage
from .vector import Vector

_TEXT = "It rains. ☔"


def stream_answer_batch_vectors(calls: Calls) -> list[Vector]:
    """Returns the vectors of StreamAnswerBatch."""
    return [
        _together(calls),
        _choices(calls),
        _stopped(calls),
        _half_closed(),
        *_alone(calls),
        *_refused(calls),
    ]


def _open(answer_id: int, given: pb.AnswerContext, *sequence_ids: int) -> pb.OpenBatchAnswer:
    return pb.OpenBatchAnswer(answer_id=answer_id, sequence_ids=sequence_ids, context=given)


def _request(
    *opened: pb.OpenBatchAnswer,
    feed: Mapping[int, list[int]] | None = None,
    ends: Iterable[pb.SequenceEnd] = (),
) -> pb.StreamAnswerBatchRequest:
    pairs = [(name, token) for name, run in (feed or {}).items() for token in run]
    return pb.StreamAnswerBatchRequest(
        open=opened,
        sequence_ids=[name for name, _ in pairs],
        tokens=[token for _, token in pairs],
        ends=ends,
    )


def _response(
    frames: Mapping[int, bytes] | None = None, *ended: pb.BatchAnswerEnd, **fields: Any
) -> pb.StreamAnswerBatchResponse:
    given = frames or {}
    return pb.StreamAnswerBatchResponse(
        answer_ids=list(given), frames=list(given.values()), ended=ended, **fields
    )


def _ended(
    answer_id: int, completion_tokens: int, *outcomes: pb.SequenceOutcome, body: bytes = b""
) -> pb.BatchAnswerEnd:
    result = pb.AnswerResult(
        body_json=body,
        http_status=200,
        completion_tokens=completion_tokens,
        outcomes=outcomes,
    )
    return pb.BatchAnswerEnd(answer_id=answer_id, result=result)


def _failed(answer_id: int, error: status_pb2.Status) -> pb.BatchAnswerEnd:
    return pb.BatchAnswerEnd(answer_id=answer_id, error=error)


def _vector(
    name: str, exchanges: list[tuple[Message, Message]], error: status_pb2.Status | None = None
) -> Vector:
    responses = [response for _, response in exchanges]
    if error is None:
        responses.append(_response())
    requests = [request for request, _ in exchanges]
    return Vector(f"stream_answer_batch/{name}", requests, responses, error)


def _together(calls: Calls) -> Vector:
    tokens = calls.tokens(FINAL)
    text = chunk(delta({"content": _TEXT}))
    ended = chunk(delta({}, "stop")) + DONE
    body = completion([choice("stop", _TEXT)], usage(0, len(tokens)))
    return _vector(
        "two-answers",
        [
            (_request(_open(1, context(stream=True)), _open(2, context())), _response({1: ROLE})),
            (_request(feed={1: tokens, 2: tokens}), _response({1: text})),
            (
                _request(ends=[end(2), end(1)]),
                _response(
                    {1: ended},
                    _ended(2, len(tokens), outcome(sequence=2), body=body),
                    _ended(1, len(tokens), outcome(sequence=1)),
                ),
            ),
        ],
    )


def _choices(calls: Calls) -> Vector:
    tokens = calls.tokens(FINAL)
    choices = [choice("stop", _TEXT, index) for index in (0, 1)]
    body = completion(choices, usage(0, 2 * len(tokens)))
    outcomes = (outcome(sequence=30), outcome(sequence=20))
    return _vector(
        "choices",
        [
            (
                _request(_open(7, context(choices=2), 30, 20), feed={20: tokens, 30: tokens}),
                _response(),
            ),
            (_request(ends=[end(20)]), _response()),
            (
                _request(ends=[end(30)]),
                _response({}, _ended(7, 2 * len(tokens), *outcomes, body=body)),
            ),
        ],
    )


def _stopped(calls: Calls) -> Vector:
    tokens = calls.tokens("<|channel|>final<|message|>It rains")
    given = context(stream=True, stop=[" rains"])
    frames = chunk(delta({"content": "It"})) + chunk(delta({}, "stop")) + DONE
    return _vector(
        "a-stop-string-and-late-tokens",
        [
            (_request(_open(1, given, 5)), _response({1: ROLE})),
            (
                _request(feed={5: tokens}),
                _response(
                    {1: frames},
                    _ended(1, len(tokens), outcome(sequence=5)),
                    stop_sequence_ids=[5],
                ),
            ),
            (_request(feed={5: tokens[-1:]}), _response()),
        ],
    )


def _half_closed() -> Vector:
    return Vector(
        "stream_answer_batch/a-half-close-cancels",
        [_request(_open(1, context(stream=True)))],
        [
            _response({1: ROLE}),
            _response({}, _ended(1, 0, pb.SequenceOutcome(sequence=1, empty=True))),
        ],
    )


def _alone(calls: Calls) -> list[Vector]:
    """Returns vectors in which an answer fails while answer 1 goes on."""
    tokens = calls.tokens(FINAL)
    body = completion([choice("stop", _TEXT)], usage(0, len(tokens)))
    ended = _ended(1, len(tokens), outcome(sequence=1), body=body)
    cases = {
        "an-invalid-context": (
            _open(9, pb.AnswerContext()),
            refused("INVALID_CONTEXT", "open[1].context.api"),
        ),
        "a-sequence-of-another-answer": (
            _open(9, context(), 1),
            refused("SEQUENCE_OPEN", "open[1].sequence_ids"),
        ),
        "too-few-names": (
            _open(9, context(choices=2)),
            refused("INVALID_FIELD", "open[1].sequence_ids"),
        ),
        "too-many-choices": (
            _open(9, context(choices=129)),
            refused(
                "LIMIT_EXCEEDED",
                "open[1].context.choices",
                code=RESOURCE_EXHAUSTED,
                limit="MAX_CHOICES",
                maximum="128",
            ),
        ),
    }
    vectors = [
        _vector(
            f"errors/{name}",
            [
                (
                    _request(_open(1, context()), opening, feed={1: tokens}),
                    _response({}, _failed(9, error)),
                ),
                (_request(ends=[end(1)]), _response({}, ended)),
            ],
        )
        for name, (opening, error) in cases.items()
    ]
    unknown = refused("UNKNOWN_SEQUENCE", f"sequence_ids[{len(tokens)}]")
    again = refused("SEQUENCE_OPEN", "open[0].answer_id")
    return [
        *vectors,
        _vector(
            "errors/an-unknown-sequence",
            [
                (
                    _request(_open(1, context()), feed={1: tokens, 8: tokens}),
                    _response({}, _failed(8, unknown)),
                ),
                (_request(ends=[end(1)]), _response({}, ended)),
            ],
        ),
        _vector(
            "errors/an-open-answer",
            [
                (_request(_open(1, context()), _open(2, context())), _response()),
                (
                    _request(_open(2, context()), feed={1: tokens}),
                    _response({}, _failed(2, again)),
                ),
                (_request(ends=[end(1)]), _response({}, ended)),
            ],
        ),
    ]


def _refused(calls: Calls) -> list[Vector]:
    opening = _request(_open(1, context()))
    uneven = pb.StreamAnswerBatchRequest(sequence_ids=[1], tokens=calls.tokens("a b c"))
    short = _request(feed={1: calls.tokens("a b c")})
    short.logprobs.logprobs.append(-0.5)
    cases = {
        "columns": (uneven, "tokens"),
        "log-probabilities": (short, "logprobs.logprobs"),
        "an-end-without-a-reason": (
            _request(ends=[pb.SequenceEnd(sequence=1)]),
            "ends[0].reason",
        ),
    }
    return [
        Vector(
            f"stream_answer_batch/errors/{name}",
            [opening, request],
            [_response()],
            refused("INVALID_FIELD", field),
        )
        for name, (request, field) in cases.items()
    ]
