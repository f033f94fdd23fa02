"""The events of a streamed response, and the Response object that they add up to."""

import base64
import json
import zlib

import pytest

from harmony_server.openai.answer_context import DeclaredTool, ToolKind
from harmony_server.openai.answers import (
    Answer,
    AnswerInputError,
    EndReason,
    Framing,
    SequenceEnd,
)
from tests.support.encodings import encoding, tokens_of

from .asking import (
    ANALYSIS,
    CALL,
    COMMENTARY,
    FINAL,
    NEXT,
    WEATHER,
    Streamed,
    model_response,
    response,
)
from .reading import read_frames

_PATCH = DeclaredTool(ToolKind.CUSTOM, "functions", "patch", "patch")
_FIND = DeclaredTool(ToolKind.FUNCTION, "functions", "maps__find", "find", "maps")
_PATCH_CALL = "<|channel|>commentary to=functions.patch <|constrain|>json<|message|>"


def test_a_stream_has_these_events() -> None:
    """The events of reasoning, a preamble, an answer and a call stand in this order."""
    text = f"{ANALYSIS}Hm.{NEXT}{COMMENTARY}So:{NEXT}{FINAL}Hi{NEXT}{CALL}{{}}<|call|>"
    events = Streamed(response(), text, sizes=[len(tokens_of(text))]).events()
    part = ["output_item.added", "content_part.added"]
    ends = ["content_part.done", "output_item.done"]
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        *part,
        "reasoning_text.delta",
        "reasoning_text.done",
        *ends,
        *part,
        "output_text.delta",
        "output_text.done",
        *ends,
        *part,
        "output_text.delta",
        "output_text.done",
        *ends,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_the_frames_of_a_message_are_these_bytes() -> None:
    """The name of an event stands before its data, and in it."""
    first, second, *others, last = Streamed(response(), f"{FINAL}Hi<|return|>").frames.split(
        b"\n\n"
    )[:-1]
    assert first.startswith(b'event: response.created\ndata: {"type":"response.created",')
    assert second.startswith(b"event: response.in_progress\n")
    place = '"item_id":"msg_1d021556ae6877f02ace69cd","output_index":0,"content_index":0'
    head = '{"id":"msg_1d021556ae6877f02ace69cd","type":"message","role":"assistant"'
    part = '{"type":"output_text","text":"%s","annotations":[],"logprobs":[]}'
    whole = part % "Hi"
    expected = [
        f'output_item.added","output_index":0,"item":{head},"status":"in_progress",'
        '"phase":"final_answer","content":[]}',
        f'content_part.added",{place},"part":{part % ""}',
        f'output_text.delta",{place},"delta":"Hi","logprobs":[]',
        f'output_text.done",{place},"text":"Hi","logprobs":[]',
        f'content_part.done",{place},"part":{whole}',
        f'output_item.done","output_index":0,"item":{head},"status":"completed",'
        f'"phase":"final_answer","content":[{whole}]}}',
    ]
    assert [frame.decode() for frame in others] == [
        f"event: response.{members.partition(chr(34))[0]}\n"
        f'data: {{"type":"response.{members},"sequence_number":{number}}}'
        for number, members in enumerate(expected, 2)
    ]
    assert last.startswith(b"event: response.completed\n")


def test_the_items_of_a_response() -> None:
    """Every message is an item, also one without text; preambles and answers have a phase."""
    text = (
        f"{ANALYSIS}{NEXT}{COMMENTARY}So:{NEXT}{FINAL}Hi{NEXT}"
        '<|channel|>commentary to=functions.maps__find json<|message|>{"q":1}<|call|>'
    )
    body = model_response(response(tools=(WEATHER, _FIND), encrypted_reasoning=False), text)
    reasoning, preamble, answer, call = body["output"]
    assert reasoning == {
        "id": reasoning["id"],
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": ""}],
        "encrypted_content": None,
        "status": "completed",
    }
    assert (preamble["phase"], answer["phase"]) == ("commentary", "final_answer")
    assert call == {
        "id": call["id"],
        "type": "function_call",
        "call_id": call["id"].replace("fc_", "call_"),
        "name": "find",
        "namespace": "maps",
        "arguments": '{"q":1}',
        "status": "completed",
    }
    prefixes = [item["id"].partition("_")[0] for item in body["output"]]
    assert prefixes == ["rs", "msg", "msg", "fc"]
    assert len({item["id"].partition("_")[2] for item in body["output"]}) == 4


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"input": "a\\nb"}', "a\nb"),
        ('{"input": "x", "other": 1}', "x"),
        ('{"input": ""}', ""),
        ('{"input": 1}', '{"input": 1}'),
        ('["input"]', '["input"]'),
        ("plain text", "plain text"),
        ("[" * 20_000, "[" * 20_000),
    ],
)
def test_a_custom_tool_gets_its_input(arguments: str, given: str) -> None:
    """The input is the string in the JSON, else the text as written; it comes whole."""
    context = response(tools=(_PATCH,))
    text = f"{_PATCH_CALL}{arguments}<|call|>"
    (item,) = model_response(context, text)["output"]
    assert item == {
        "id": item["id"],
        "type": "custom_tool_call",
        "call_id": item["id"].replace("ctc_", "call_"),
        "name": "patch",
        "input": given,
    }
    deltas = [e for e in Streamed(context, text).events() if e["type"].endswith("input.delta")]
    assert [delta["delta"] for delta in deltas] == ([given] if given else [])


def test_encrypted_content_is_the_packed_text() -> None:
    """`encrypted_content` unpacks to the text next to it, and comes with the finished item."""
    text = f"{ANALYSIS}Hm. 你好{NEXT}{FINAL}Hi<|return|>"
    item = model_response(response(), text)["output"][0]
    prefix, _, packed = item["encrypted_content"].partition(".")
    assert prefix == "hs1"
    assert zlib.decompress(base64.urlsafe_b64decode(packed)).decode() == "Hm. 你好"
    added = Streamed(response(), text).events()[2]
    assert added["item"]["encrypted_content"] is None


@pytest.mark.parametrize(
    ("end", "status", "details", "item_status"),
    [
        (EndReason.STOP, "completed", None, "completed"),
        (EndReason.LENGTH, "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        (EndReason.CONTENT_FILTER, "incomplete", {"reason": "content_filter"}, "incomplete"),
    ],
)
@pytest.mark.parametrize("begun", [f"{ANALYSIS}Hm", f"{FINAL}Hi", f"{CALL}{{"])
def test_the_end_of_an_open_item(
    end: EndReason, status: str, details: object, item_status: str, begun: str
) -> None:
    """The open item's done events come, and the last event says how the response ended."""
    body = model_response(response(), f"{ANALYSIS}a{NEXT}{begun}", end)
    assert (body["status"], body["incomplete_details"]) == (status, details)
    assert [item["status"] for item in body["output"]] == ["completed", item_status]


@pytest.mark.parametrize("text", [f"{FINAL}Hi<|end|>", f"{FINAL}Hi{NEXT}<|channel|>analysis"])
def test_the_limit_between_messages_leaves_no_item_incomplete(text: str) -> None:
    """At the limit between two messages, or in a header, every item is complete."""
    body = model_response(response(), text, EndReason.LENGTH)
    assert body["status"] == "incomplete"
    assert [item["status"] for item in body["output"]] == ["completed"]


def test_an_engine_that_failed() -> None:
    """The last event is `response.failed`; its Response object is the body, with status 500."""
    streamed = Streamed(response(), f"{FINAL}Hi", EndReason.ERROR)
    last = streamed.events()[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": "server_error", "message": "The engine failed."}
    assert last["response"]["output"][0]["status"] == "incomplete"
    assert streamed.result.http_status == 500
    assert json.loads(streamed.result.body_json) == last["response"]


def test_a_cancelled_response_has_no_last_event() -> None:
    """The official types know no such event: nothing more is sent."""
    streamed = Streamed(response(), f"{FINAL}Hi", EndReason.CANCELLED)
    assert streamed.steps[-1] == b""
    assert streamed.result.body_json == b""


def test_the_usage_of_a_response() -> None:
    """Both details are there, as the official types demand."""
    text = f"{ANALYSIS}one two{NEXT}{FINAL}Hi<|return|>"
    size = len(tokens_of(text))
    assert model_response(response(), text)["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": size,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 7 + size,
    }


def test_the_echo_stays_as_it_is() -> None:
    """Members that repeat the request keep their order and numbers, and stay on one line."""
    echo = '{\n  "temperature": 1.50,\r\n  "metadata": {"a": "\u2028"},\n  "tools": []\n}'
    frames = Streamed(response(echo_json=echo), f"{FINAL}Hi<|return|>").frames
    members = rb'"temperature": 1.50,    "metadata": {"a": "\u2028"},   "tools": [],'
    assert frames.count(members) == 3
    assert all(json.loads(data) for _, data in read_frames(frames))


def test_required_members_are_there_without_an_echo() -> None:
    """A context without an echo gives what the official types demand."""
    body = model_response(response(), f"{FINAL}Hi<|return|>")
    assert body["parallel_tool_calls"] is True
    assert (body["tool_choice"], body["tools"]) == ("auto", [])


def test_lines_have_the_same_events() -> None:
    """With framing LINES each event is one line, without its name before it."""
    answer = Answer(encoding(), response(), Framing.LINES)
    tokens = tokens_of(f"{FINAL}Hi<|return|>")
    frames = answer.open() + answer.step(tokens, ends=[SequenceEnd(0, EndReason.STOP)]).frames
    lines = [json.loads(line) for line in frames.decode().splitlines()]
    assert lines == Streamed(response(), tokens, sizes=[len(tokens)]).events()


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"choices": 2}, "context.choices"),
        ({"choices": 0}, "context.choices"),
        ({"stop": ("",)}, "context.stop"),
        ({"echo_json": "{"}, "context.echo_json"),
        ({"echo_json": "[]"}, "context.echo_json"),
        ({"echo_json": '{"id":"x"}'}, "context.echo_json"),
        ({"echo_json": "[" * 100_000}, "context.echo_json"),
    ],
)
def test_a_context_that_cannot_be_meant_is_refused(members: dict[str, object], field: str) -> None:
    """A context that was written by hand gets an error that names the field."""
    with pytest.raises(AnswerInputError) as error:
        Answer(encoding(), response(**members))
    assert (error.value.field, error.value.reason) == (field, "INVALID_CONTEXT")
