"""The methods for the OpenAI layer: what both clients send, and what they return."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devtools.server_process import running_server
from harmony_client import Client, InvalidArgument, Unimplemented
from harmony_client.openai import AnswerContext, AnswerHeader, LogprobColumns, RenderPolicy
from harmony_client.openai.v1 import openai_pb2 as pb

from .recording_server import RecordingServer

Connect = Callable[..., Client]

HEADER = AnswerHeader(id="chatcmpl-1", created=1_750_000_000)
BODY = b'{"model": "gpt-oss", "messages": [{"role": "user", "content": "Rain?"}]}'
CONTEXT = AnswerContext(
    api=pb.API_CHAT_COMPLETIONS,
    header=AnswerHeader(id="chatcmpl-1", created=1_750_000_000, model="gpt-oss"),
    choices=1,
)
FINAL = "<|channel|>final<|message|>It rains.<|return|>"


@pytest.fixture(scope="module")
def openai_address() -> Iterator[str]:
    """The address of a server with the OpenAI layer."""
    with running_server("--openai", "--listen", "127.0.0.1:0") as (_, address):
        yield address


@pytest.fixture
def client(connect: Connect, openai_address: str) -> Client:
    """A client of either kind, of a server with the layer."""
    return connect(openai_address)


def test_render_chat_completion(recorder: RecordingServer, connect: Connect) -> None:
    """The body goes out unchanged with header and policy; the prompt comes back."""
    prompt = pb.Prompt(prompt_tokens=[1, 2], choices=1)
    response = pb.RenderChatCompletionResponse(prompt=prompt)
    recorder.answers["RenderChatCompletion"] = lambda *_: response
    policy = RenderPolicy(stores_answers=True)
    client = connect(recorder.address)
    assert client.render_chat_completion(BODY, HEADER, policy=policy) == prompt
    assert recorder.last_request("RenderChatCompletion") == pb.RenderChatCompletionRequest(
        body_json=BODY, header=HEADER, policy=policy
    )


def test_render_model_response(recorder: RecordingServer, connect: Connect) -> None:
    """The history is sent if there is one, also an empty one; the items come back."""
    response = pb.RenderModelResponseResponse(input_items_json=b"[]")
    recorder.answers["RenderModelResponse"] = lambda *_: response
    client = connect(recorder.address)
    assert client.render_model_response(BODY, HEADER, history=b"") == response
    assert recorder.last_request("RenderModelResponse") == pb.RenderModelResponseRequest(
        body_json=BODY, header=HEADER, history_json=b""
    )
    client.render_model_response(BODY, HEADER)
    sent: Any = recorder.last_request("RenderModelResponse")
    assert not sent.HasField("history_json")
    assert not sent.HasField("policy")


def test_build_answer(recorder: RecordingServer, connect: Connect) -> None:
    """Tokens, choices and ends make one step; the result comes back."""
    result = pb.AnswerResult(http_status=200)
    recorder.answers["BuildAnswer"] = lambda *_: pb.BuildAnswerResponse(result=result)
    logprobs = LogprobColumns(logprobs=[-0.5, -0.25])
    built = connect(recorder.address).build_answer(
        CONTEXT,
        iter([1, 2]),
        choices=[0, 1],
        ends={0: "stop", 1: pb.END_REASON_ERROR},
        error_message="Broken.",
        logprobs=logprobs,
        cached_prompt_tokens=3,
    )
    assert built == result
    step = pb.AnswerStep(
        tokens=[1, 2],
        choices=[0, 1],
        ends=[
            pb.SequenceEnd(sequence=0, reason=pb.END_REASON_STOP, error_message="Broken."),
            pb.SequenceEnd(sequence=1, reason=pb.END_REASON_ERROR, error_message="Broken."),
        ],
        logprobs=logprobs,
        cached_prompt_tokens=3,
    )
    expected = pb.BuildAnswerRequest(context=CONTEXT, step=step)
    assert recorder.last_request("BuildAnswer") == expected


def test_unknown_names_are_refused_before_anything_is_sent(
    recorder: RecordingServer, connect: Connect
) -> None:
    """An unknown reason or framing is a ValueError."""
    client = connect(recorder.address)
    with pytest.raises(ValueError, match="stop, length, content_filter, cancelled, error"):
        client.build_answer(CONTEXT, [1], ends={0: "finished"})
    with pytest.raises(ValueError, match="sse, lines"):
        client.stream_answer(CONTEXT, framing="text")
    assert recorder.calls == []


def test_an_error_has_what_the_client_is_told(client: Client) -> None:
    """The metadata has the status and the body; the field is the place in the body."""
    with pytest.raises(InvalidArgument) as caught:
        client.render_chat_completion(b'{"model": "gpt-oss", "messages": []}', HEADER)
    assert caught.value.reason == "INVALID_FIELD"
    assert [violation.field for violation in caught.value.field_violations] == ["messages"]
    assert caught.value.metadata["http_status"] == "400"
    assert json.loads(caught.value.metadata["openai_error_json"])["error"]["param"] == "messages"


def test_a_server_without_the_layer(connect: Connect, server_address: str) -> None:
    """Without `--openai`, calls and streams raise Unimplemented."""
    client = connect(server_address)
    with pytest.raises(Unimplemented):
        client.render_chat_completion(BODY, HEADER)
    with client.stream_answer(CONTEXT) as answer, pytest.raises(Unimplemented):
        answer.open()


def test_an_answer_is_streamed(client: Client) -> None:
    """Each step returns the frames that it completes; the last end brings the result."""
    prompt = client.render_chat_completion(BODY[:-1] + b', "stream": true}', HEADER)
    tokens = client.encode(FINAL, allowed_special="all")
    with client.stream_answer(prompt.context) as answer:
        assert b'"role":"assistant"' in answer.open().frames
        frames = b"".join(answer.step([token]).frames for token in tokens)
        assert frames.count(b'"content":') == 3
        last = answer.step([], ends={0: "stop"})
        assert last.frames.endswith(b"data: [DONE]\n\n")
        assert last.result.outcomes[0].finish_reason == "stop"
        assert answer.finish() == pb.StreamAnswerResponse()
        with pytest.raises(RuntimeError):
            answer.step([1])


def test_lines_and_a_cancelled_answer(client: Client) -> None:
    """With lines, each event is a line of JSON; `finish` cancels what is open."""
    context = AnswerContext()
    context.CopyFrom(CONTEXT)
    context.stream = True
    with client.stream_answer(context, framing="lines") as answer:
        assert json.loads(answer.open().frames)["object"] == "chat.completion.chunk"
        assert answer.finish().result.http_status == 200


def test_answers_step_together(client: Client) -> None:
    """A batch picks ids, sends what was opened and ended with the next step, and frees ids."""
    tokens = client.encode(FINAL, allowed_special="all")
    with client.stream_answer_batch() as batch:
        first, second = batch.open(CONTEXT), batch.open(CONTEXT, framing="lines")
        assert (first.sequence_ids, second.sequence_ids) == ((0,), (1,))
        batch.set_cached_prompt_tokens(first.answer_id, 2)
        for token in tokens:
            batch.step(dict.fromkeys((0, 1), token))
        batch.end(0, "stop")
        batch.end(1, "error", error_message="Broken.")
        ended = {end.answer_id: end.result for end in batch.step({}).ended}
        body = json.loads(ended[first.answer_id].body_json)
        assert body["choices"][0]["message"]["content"] == "It rains."
        assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
        assert ended[second.answer_id].http_status == 500
        with pytest.raises(ValueError, match="sequence 0 is not open"):
            batch.end(0, "stop")
        with pytest.raises(ValueError, match="2 sequence ids for 1 tokens"):
            batch.step_columns([0, 1], [5])
        third = batch.open(CONTEXT)
        columns = batch.step_columns(list(third.sequence_ids), tokens[:1])
        assert not columns.ended
        assert [end.answer_id for end in batch.finish().ended] == [third.answer_id]


def test_a_failed_answer_frees_its_ids(client: Client) -> None:
    """An answer that the server refuses is an entry of `ended`, and is open no more."""
    with client.stream_answer_batch() as batch:
        refused = batch.open(AnswerContext())
        (ended,) = batch.step({}).ended
        assert ended.answer_id == refused.answer_id
        assert ended.error.code == 3
        with pytest.raises(ValueError, match="is not open"):
            batch.end(refused.sequence_ids[0], "stop")
