"""History and references, which come from the caller."""

import json
from typing import Any

import pytest

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.request_errors import BodyErrorReason, RequestBodyError
from harmony_server.openai.requests import render_model_response

from .rendering import ENCODING, HEADER, USER, USER_TEXT, conversation, notices, refusal, respond

_EARLIER = [
    {"type": "message", "id": "msg_1", "role": "developer", "content": "Be brief."},
    {"type": "message", "id": "msg_2", "role": "user", "content": "Before."},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "1.50"},
]
_OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
_BEFORE_TEXT = "<|start|>user<|message|>Before.<|end|>"
_CALL_TEXT = "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>1.50<|call|>"
_OUTPUT_TEXT = "<|start|>functions.f to=assistant<|channel|>commentary<|message|>done<|end|>"


def _developer(instructions: str) -> str:
    return f"<|start|>developer<|message|># Instructions\n\n{instructions}<|end|>"


@pytest.mark.parametrize(
    "members",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
    ],
)
def test_the_history_stands_before_the_input(members: dict[str, Any]) -> None:
    """Behind the request's own instructions; calls may be in it."""
    prompt = respond(history=_EARLIER, input=[_OUTPUT], instructions="Rhyme.", **members)
    assert conversation(prompt) == (
        _developer("Rhyme.\n\nBe brief.") + _BEFORE_TEXT + _CALL_TEXT + _OUTPUT_TEXT
    )
    assert prompt.input_items_json is not None
    assert json.loads(prompt.input_items_json) == [_OUTPUT]


def test_the_history_may_be_all_there_is() -> None:
    """Then the input may be missing."""
    prompt = respond(history=[USER], input=None, previous_response_id="resp_1")
    assert conversation(prompt) == USER_TEXT
    assert prompt.input_items_json == b"[]"


def test_without_being_named_the_history_is_only_looked_up_in() -> None:
    """A body without an id of a response starts a new conversation."""
    assert conversation(respond(history=_EARLIER)) == USER_TEXT


@pytest.mark.parametrize(
    ("members", "field", "code"),
    [
        (
            {"previous_response_id": "resp_1"},
            "previous_response_id",
            "previous_response_not_found",
        ),
        ({"conversation": "conv_1"}, "conversation", None),
    ],
)
def test_a_history_is_required(members: dict[str, Any], field: str, code: str | None) -> None:
    """The state is the caller's; the client gets OpenAI's error of an unknown response."""
    error = refusal(respond, **members)
    assert (error.field, error.reason) == (field, BodyErrorReason.HISTORY_REQUIRED)
    assert error.http_status == 400
    assert json.loads(error.openai_error_json()) == {
        "error": {
            "message": f"{field} is not known",
            "type": "invalid_request_error",
            "param": field,
            "code": code,
        }
    }


def test_references_are_looked_up() -> None:
    """The items of the input have what was remembered in their place."""
    reference = {"type": "item_reference", "id": "fc_1"}
    prompt = respond(history=_EARLIER, input=[USER, reference, _OUTPUT])
    assert conversation(prompt) == USER_TEXT + _CALL_TEXT + _OUTPUT_TEXT
    assert prompt.input_items_json is not None
    assert json.loads(prompt.input_items_json) == [
        {"type": "message", **USER},
        _EARLIER[2],
        _OUTPUT,
    ]


@pytest.mark.parametrize("history", [None, [], _EARLIER])
def test_a_lost_reference_to_reasoning_is_skipped(history: list[Any] | None) -> None:
    """Reasoning that nobody remembers is left out."""
    reference = {"type": "item_reference", "id": "rs_1"}
    prompt = respond(history=history, input=[USER, reference])
    assert conversation(prompt) == USER_TEXT
    assert notices(prompt) == [(NoticeReason.ITEM_IGNORED, "input[1]")]
    assert prompt.input_items_json is not None
    assert json.loads(prompt.input_items_json) == [{"type": "message", **USER}]


def test_another_lost_reference_is_refused() -> None:
    """A message that nobody remembers would be missing."""
    reference = {"type": "item_reference", "id": "msg_9"}
    error = refusal(respond, history=_EARLIER, input=[USER, reference])
    assert (error.field, error.reason) == ("input[1].id", BodyErrorReason.UNKNOWN_REFERENCE)


def test_an_item_is_referred_to_once() -> None:
    """Many references to one long item would make a huge prompt of a small body."""
    reference = {"type": "item_reference", "id": "msg_2"}
    error = refusal(respond, history=_EARLIER, input=[reference, reference])
    assert error.field == "input[1].id"


def test_the_input_is_normalised() -> None:
    """A string becomes a message; numbers keep their spelling."""
    body = b'{"model":"m","input":"Hi."}'
    prompt = render_model_response(ENCODING, body, HEADER)
    assert prompt.input_items_json == (
        b'[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi."}]}]'
    )
    body = b'{"model":"m","input":[{"role":"user","content":"Hi.","weight":1.50}]}'
    prompt = render_model_response(ENCODING, body, HEADER)
    assert prompt.input_items_json == (
        b'[{"role":"user","content":"Hi.","weight":1.50,"type":"message"}]'
    )


@pytest.mark.parametrize(
    ("history", "field"),
    [
        (b"{", "history_json"),
        (b"{}", "history_json"),
        (b"\xff", "history_json"),
        (b'[{"type":"future"}]', "history_json[0].type"),
        (b'[{"role":"user","content":[{"type":"x"}]}]', "history_json[0].content[0].type"),
        (b'[{"type":"item_reference","id":"msg_1"}]', "history_json[0].id"),
        (b'[{"type":"function_call_output","call_id":"x"}]', "history_json[0].call_id"),
    ],
)
def test_a_history_at_fault_is_not_the_clients_fault(history: bytes, field: str) -> None:
    """The error has the place in the history, and the client learns of a server error."""
    body = b'{"model":"m","input":"Hi.","previous_response_id":"resp_1"}'
    with pytest.raises(RequestBodyError) as caught:
        render_model_response(ENCODING, body, HEADER, None, history)
    error = caught.value
    assert (error.field, error.http_status) == (field, 500)
    answer = json.loads(error.openai_error_json())["error"]
    assert (answer["type"], answer["param"]) == ("server_error", None)


def test_the_input_may_answer_a_call_of_the_history_only_if_it_is_rendered() -> None:
    """Otherwise the call would be missing in the prompt."""
    error = refusal(respond, history=_EARLIER, input=[_OUTPUT])
    assert error.reason is BodyErrorReason.UNKNOWN_CALL_ID
