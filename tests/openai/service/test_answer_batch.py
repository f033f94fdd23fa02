"""StreamAnswerBatch over gRPC: many answers in columns, and errors of single ones."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devtools.server_process import running_server
from harmony_client.openai.v1 import openai_pb2 as pb
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_server.service.answer_batch_stream import AnswerBatchStream
from harmony_server.service.answer_stream import AnswerStream
from tests.support.failures import Failure, failure_of, failure_of_status
from tests.support.operations import operations
from tests.support.streams import LockStep

from .samples import CALL, FINAL, THOUGHT, context, end, events, tokens, with_tool

_SECONDS = 30
_TEXTS = (
    FINAL,
    THOUGHT + FINAL,
    THOUGHT + CALL,
    "no header at all",
    "<|channel|>final<|message|>cut",
    "<|start|><|start|>assistant<|channel|>commentary to=functions.other json<|message|>{}<|call|>",
)


def _opening(answer_id: int, given_context: pb.AnswerContext, *sequences: int) -> Any:
    return pb.OpenBatchAnswer(answer_id=answer_id, sequence_ids=sequences, context=given_context)


def _request(
    *opened: pb.OpenBatchAnswer,
    feed: Mapping[int, Sequence[int]] | None = None,
    ends: Iterable[pb.SequenceEnd] = (),
    **fields: Any,
) -> pb.StreamAnswerBatchRequest:
    pairs = [(name, token) for name, run in (feed or {}).items() for token in run]
    return pb.StreamAnswerBatchRequest(
        open=opened,
        sequence_ids=[name for name, _ in pairs],
        tokens=[token for _, token in pairs],
        ends=ends,
        **fields,
    )


def _play(
    stub: OpenAIServiceStub, *requests: pb.StreamAnswerBatchRequest
) -> list[pb.StreamAnswerBatchResponse]:
    return list(stub.StreamAnswerBatch(iter(requests), timeout=_SECONDS))


def _frames(responses: Iterable[pb.StreamAnswerBatchResponse]) -> dict[int, bytes]:
    joined: defaultdict[int, bytes] = defaultdict(bytes)
    for response in responses:
        assert len(set(response.answer_ids)) == len(response.answer_ids) == len(response.frames)
        assert all(response.frames)
        for answer_id, frames in zip(response.answer_ids, response.frames, strict=True):
            joined[answer_id] += frames
    return dict(joined)


def _results(responses: Iterable[pb.StreamAnswerBatchResponse]) -> dict[int, pb.AnswerResult]:
    return {
        ended.answer_id: ended.result
        for response in responses
        for ended in response.ended
        if ended.HasField("result")
    }


def _errors(responses: Iterable[pb.StreamAnswerBatchResponse]) -> list[tuple[int, Failure]]:
    return [
        (ended.answer_id, failure_of_status(ended.error))
        for response in responses
        for ended in response.ended
        if ended.HasField("error")
    ]


def _alone(given_context: pb.AnswerContext, steps: Sequence[pb.AnswerStep]) -> tuple[bytes, Any]:
    """Returns the frames and the result that an answer has on a stream of its own."""
    stream = AnswerStream(operations())
    opening = pb.StreamAnswerRequest(open=pb.OpenAnswer(context=given_context))
    requests = [opening, *(pb.StreamAnswerRequest(step=step) for step in steps)]
    responses = [
        pb.StreamAnswerResponse.FromString(stream.answer(request.SerializeToString()))
        for request in requests
    ]
    (result,) = (response.result for response in responses if response.HasField("result"))
    return b"".join(response.frames for response in responses), result


def test_two_answers_step_together(stub: OpenAIServiceStub) -> None:
    """Each answer gets the frames of its own sequences, and its own result."""
    stream = LockStep(stub.StreamAnswerBatch)
    opened = stream.ask(_request(_opening(1, context("a", stream=True)), _opening(2, with_tool())))
    assert list(opened.answer_ids) == [1]  # the other answer has no frames before its body
    first, second = tokens(FINAL), tokens(CALL)
    received = [opened]
    for index in range(max(len(first), len(second))):
        feed = {1: first[index : index + 1], 2: second[index : index + 1]}
        received.append(stream.ask(_request(feed=feed)))
    received.append(stream.ask(_request(ends=[end(1), end(2)])))
    assert [ended.answer_id for ended in received[-1].ended] == [1, 2]
    deltas = [event["choices"][0]["delta"] for event in events(_frames(received)[1])[:-1]]
    assert "".join(delta.get("content", "") for delta in deltas) == "It rains in Oslo. ☔"
    (choice,) = json.loads(_results(received)[2].body_json)["choices"]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city":"Oslo"}'
    assert stream.half_close() == [pb.StreamAnswerBatchResponse()]


def test_a_large_step_is_read_in_parts(stub: OpenAIServiceStub) -> None:
    """However many tokens a step has, each answer has one entry of frames, in order."""
    words = "rain" + " rain" * 29_999
    run = tokens(f"<|channel|>final<|message|>{words}")
    opened = [_opening(1, context(stream=True)), _opening(2, context(stream=True))]
    responses = _play(
        stub, _request(*opened, feed={1: run, 2: run}), _request(ends=[end(1), end(2)])
    )
    for frames in _frames(responses).values():
        deltas = [event["choices"][0]["delta"] for event in events(frames)[:-1]]
        assert "".join(delta.get("content", "") for delta in deltas) == words


def test_a_request_that_does_not_parse(channel: grpc.Channel) -> None:
    """Bytes that are no message are refused with the name of the message."""
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        "/harmony.openai.v1.OpenAIService/BuildAnswer"
    )
    failure = failure_of(lambda: call(b"\x0a\xff", timeout=_SECONDS))
    assert (failure.reason, failure.domain, failure.message) == (
        "MALFORMED_REQUEST",
        "harmony.openai.v1",
        "the request is not a valid harmony.openai.v1.BuildAnswerRequest",
    )


def test_choices_have_ids_of_their_own(stub: OpenAIServiceStub) -> None:
    """An answer's sequences are named by the caller, in the order of the choices."""
    run = tokens(FINAL)
    responses = _play(
        stub,
        _request(_opening(7, context(choices=2), 30, 20), feed={20: run, 30: run}),
        _request(ends=[end(20), end(30)]),
    )
    result = _results(responses)[7]
    assert [outcome.sequence for outcome in result.outcomes] == [30, 20]
    assert len(json.loads(result.body_json)["choices"]) == 2


def test_a_stop_string_names_the_sequence(stub: OpenAIServiceStub) -> None:
    """A stop string ends the sequence; tokens on their way are skipped, also after the answer."""
    run = tokens(FINAL)
    opening = _request(_opening(1, context(stop=["rains"]), 5))
    responses = _play(stub, opening, *[_request(feed={5: [token]}) for token in run])
    assert [list(response.stop_sequence_ids) for response in responses].count([5]) == 1
    assert list(_results(responses)) == [1]
    assert _errors(responses) == []


def test_cached_prompts_are_in_the_usage(stub: OpenAIServiceStub) -> None:
    """What came from a cache is reported per answer."""
    cached = [pb.CachedPrompt(answer_id=1, tokens=3)]
    responses = _play(
        stub,
        _request(_opening(1, context(prompt_tokens=4)), feed={1: tokens(FINAL)}, cached=cached),
        _request(ends=[end(1)]),
    )
    usage = json.loads(_results(responses)[1].body_json)["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3}


def test_log_probabilities_are_columns_of_the_step(stub: OpenAIServiceStub) -> None:
    """Log probabilities lie parallel to the tokens of all sequences."""
    run = tokens("<|channel|>final<|message|>No<|return|>")
    logprobs = pb.LogprobColumns(logprobs=[-0.5] * len(run) + [0.0] * len(run))
    responses = _play(
        stub,
        _request(
            _opening(1, context(logprobs=True)),
            _opening(2, context()),
            feed={1: run, 2: run},
            logprobs=logprobs,
        ),
        _request(ends=[end(1), end(2)]),
    )
    choices = [json.loads(_results(responses)[name].body_json)["choices"][0] for name in (1, 2)]
    assert [entry["logprob"] for entry in choices[0]["logprobs"]["content"]] == [-0.5]
    assert choices[1]["logprobs"] is None


def test_a_half_close_cancels_what_is_open(stub: OpenAIServiceStub) -> None:
    """A half-close ends every answer without more frames."""
    *_, last = _play(
        stub, _request(_opening(1, context(stream=True)), _opening(2, context(stream=True)))
    )
    assert list(last.answer_ids) == []
    assert sorted(ended.answer_id for ended in last.ended) == [1, 2]


def test_ids_are_free_again_after_an_answer(stub: OpenAIServiceStub) -> None:
    """An id may be reused from the request after the answer's end on."""
    once = _request(_opening(1, context()), feed={1: tokens(FINAL)}, ends=[end(1)])
    responses = _play(stub, once, once)
    assert [[ended.answer_id for ended in response.ended] for response in responses] == [
        [1],
        [1],
        [],
    ]
    assert _errors(responses) == []


@pytest.mark.parametrize(
    ("opening", "reason", "field"),
    [
        (_opening(9, pb.AnswerContext()), "INVALID_CONTEXT", "open[1].context.api"),
        (_opening(9, context(choices=2)), "INVALID_FIELD", "open[1].sequence_ids"),
        (_opening(9, context(choices=200)), "LIMIT_EXCEEDED", "open[1].context.choices"),
        (_opening(9, context(), 1), "SEQUENCE_OPEN", "open[1].sequence_ids"),
        (_opening(9, context(echo_json="[")), "INVALID_CONTEXT", "open[1].context.echo_json"),
        (
            pb.OpenBatchAnswer(answer_id=9, context=context(), framing=cast("pb.Framing", 9)),
            "INVALID_FIELD",
            "open[1].framing",
        ),
    ],
    ids=["no context", "names", "choices", "a sequence", "an echo", "a framing"],
)
def test_an_opening_at_fault_ends_that_answer_alone(
    stub: OpenAIServiceStub, opening: pb.OpenBatchAnswer, reason: str, field: str
) -> None:
    """The other answer goes on; tokens for the refused one are skipped."""
    good = _opening(1, context())
    responses = _play(
        stub,
        _request(good, opening, feed={1: tokens(FINAL), 9: tokens(FINAL)}),
        _request(feed={9: [200002]}),
        _request(ends=[end(1)]),
    )
    ((answer_id, failure),) = _errors(responses)
    assert (answer_id, failure.reason, failure.fields) == (9, reason, (field,))
    assert failure.domain == "harmony.openai.v1"
    assert list(_results(responses)) == [1]


def test_an_answer_that_is_open_already(stub: OpenAIServiceStub) -> None:
    """A second opening of an id is an error of that answer, which ends; others go on."""
    responses = _play(
        stub,
        _request(_opening(1, context()), _opening(2, context())),
        _request(_opening(1, context()), feed={1: tokens(FINAL), 2: tokens(FINAL)}),
        _request(_opening(1, context()), ends=[end(2)]),
        _request(feed={1: tokens(FINAL)}, ends=[end(1)]),
    )
    ((answer_id, failure),) = _errors(responses)
    assert (answer_id, failure.reason, failure.fields) == (
        1,
        "SEQUENCE_OPEN",
        ("open[0].answer_id",),
    )
    assert [[ended.answer_id for ended in response.ended] for response in responses] == [
        [],
        [1],
        [2],
        [1],
        [],
    ]


def test_a_sequence_that_no_answer_has(stub: OpenAIServiceStub) -> None:
    """Tokens and ends of a sequence that was never open are an error under its id."""
    responses = _play(
        stub,
        _request(_opening(1, context()), feed={1: tokens(FINAL), 8: [1]}, ends=[end(9)]),
        _request(ends=[end(1)]),
    )
    assert [(name, failure.reason, failure.fields) for name, failure in _errors(responses)] == [
        (8, "UNKNOWN_SEQUENCE", (f"sequence_ids[{len(tokens(FINAL))}]",)),
        (9, "UNKNOWN_SEQUENCE", ("ends[0].sequence",)),
    ]
    assert list(_results(responses)) == [1]


def test_an_unknown_sequence_never_ends_an_answer_of_the_same_id(stub: OpenAIServiceStub) -> None:
    """If an answer has the id of an unknown sequence, the stream ends: an entry would name it."""
    request = _request(_opening(1, context(), 5), feed={1: [200005]})
    failure = failure_of(lambda: _play(stub, request))
    assert (failure.reason, failure.fields) == ("UNKNOWN_SEQUENCE", ("sequence_ids[0]",))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.StreamAnswerBatchRequest(sequence_ids=[1], tokens=[]), "tokens"),
        (
            _request(
                _opening(1, context()), feed={1: [1, 2]}, logprobs=pb.LogprobColumns(logprobs=[0.5])
            ),
            "logprobs.logprobs",
        ),
        (_request(_opening(1, context()), ends=[pb.SequenceEnd(sequence=1)]), "ends[0].reason"),
    ],
    ids=["columns", "log probabilities", "an end"],
)
def test_columns_at_fault_end_the_stream(
    stub: OpenAIServiceStub, request_: pb.StreamAnswerBatchRequest, field: str
) -> None:
    """Columns that do not fit together end the stream."""
    failure = failure_of(lambda: _play(stub, request_))
    assert (failure.code, failure.reason, failure.fields, failure.domain) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELD",
        (field,),
        "harmony.openai.v1",
    )


def test_answers_count_as_open_sequences() -> None:
    """Sequences count against `max_sequences` from the opening to the end of their answer."""
    arguments = ("--openai", "--listen", "127.0.0.1:0", "--max-sequences", "3")
    with (
        running_server(*arguments) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        stream = LockStep(OpenAIServiceStub(channel).StreamAnswerBatch)
        two = _opening(1, context(choices=2), 1, 2)
        response = stream.ask(_request(two, _opening(3, context(choices=2), 3, 4)))
        ((answer_id, failure),) = _errors([response])
        assert (answer_id, failure.code, failure.fields) == (
            3,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            ("open[1]",),
        )
        assert failure.metadata == {"limit": "max_sequences", "maximum": "3"}
        stream.ask(_request(ends=[end(1), end(2)]))
        response = stream.ask(_request(_opening(5, context(choices=3), 1, 2, 3)))
        assert _errors([response]) == []
        stream.half_close()


@settings(max_examples=60)
@given(data=st.data())
def test_an_answer_is_the_same_as_on_a_stream_of_its_own(data: st.DataObject) -> None:
    """However answers are interleaved and cut, each has the frames and the result it has alone."""
    count = data.draw(st.integers(1, 4), "answers")
    texts = [data.draw(st.sampled_from(_TEXTS), "text") for _ in range(count)]
    contexts = [
        with_tool(answer_id=f"answer-{index}", stream=data.draw(st.booleans(), "stream"))
        for index in range(count)
    ]
    batch = AnswerBatchStream(operations())
    left = [tokens(text) for text in texts]
    steps: list[list[pb.AnswerStep]] = [[] for _ in texts]
    responses = []

    def ask(request: pb.StreamAnswerBatchRequest) -> None:
        answer = batch.answer(request.SerializeToString())
        responses.append(pb.StreamAnswerBatchResponse.FromString(answer))

    ask(_request(*(_opening(index, contexts[index]) for index in range(count))))
    while any(left):
        size = data.draw(st.sampled_from([1, 1, 3]), "tokens in a step")
        feed = {index: run[:size] for index, run in enumerate(left) if run}
        ask(_request(feed=feed))
        for index, run in feed.items():
            steps[index].append(pb.AnswerStep(tokens=run))
            left[index] = left[index][size:]
    ask(_request(ends=[end(index) for index in range(count)]))
    frames, results = _frames(responses), _results(responses)
    for index in range(count):
        expected_frames, expected = _alone(
            contexts[index], [*steps[index], pb.AnswerStep(ends=[end()])]
        )
        expected.outcomes[0].sequence = index
        assert frames.get(index, b"") == expected_frames
        assert results[index] == expected
    batch.close()
