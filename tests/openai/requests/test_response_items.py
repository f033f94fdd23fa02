"""Items of the Responses API, as they stand in the prompt."""

import base64
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.render_policy import ReasoningHistory, RenderPolicy
from harmony_server.openai.request_errors import BodyErrorReason

from .rendering import (
    END,
    SYSTEM,
    USER,
    USER_TEXT,
    conversation,
    notices,
    refusal,
    respond,
    text,
)

_CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'}
_CALL_TEXT = (
    '<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{"a": 1}<|call|>'
)
_OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
_OUTPUT_TEXT = "<|start|>functions.f to=assistant<|channel|>commentary<|message|>done<|end|>"
_PREAMBLE_TEXT = "<|start|>assistant<|channel|>commentary<|message|>Wait.<|end|>"
_FINAL_TEXT = "<|start|>assistant<|channel|>final<|message|>Wait.<|end|>"


def _conversation(*items: Any, **members: Any) -> str:
    return conversation(respond(input=list(items), **members))


def _assistant(**members: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": "Wait.", "annotations": [], "logprobs": []}
    return {"type": "message", "role": "assistant", "content": [part], **members}


def _packed(text: str) -> str:
    packed = zlib.compress(text.encode())
    return "hs1." + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def test_a_string_is_a_question() -> None:
    """The shortest input is one message of the user."""
    assert text(respond(input="Hi.")) == SYSTEM + USER_TEXT + END


def test_instructions_stand_first() -> None:
    """`instructions`, then the leading system and developer items."""
    shown = _conversation(
        {"role": "system", "content": "Be brief."},
        {"type": "message", "role": "developer", "content": "Rhyme."},
        USER,
        {"role": "developer", "content": "Now."},
        instructions="Be kind.",
    )
    assert shown == (
        "<|start|>developer<|message|># Instructions\n\nBe kind.\n\nBe brief.\n\nRhyme.<|end|>"
        f"{USER_TEXT}<|start|>developer<|message|># Instructions\n\nNow.<|end|>"
    )


@pytest.mark.parametrize(
    ("first", "rendered"),
    [
        ({"type": "web_search_call"}, ""),
        (
            {"role": "assistant", "content": "Wait.", "phase": "final_answer"},
            "<|start|>assistant<|channel|>final<|message|>Wait.<|end|>",
        ),
        (USER, USER_TEXT),
    ],
)
def test_the_leading_run_ends_at_any_other_item(first: Any, rendered: str) -> None:
    """Even at one that is left out."""
    assert _conversation(first, {"role": "system", "content": "Now."}) == (
        f"{rendered}<|start|>developer<|message|># Instructions\n\nNow.<|end|>"
    )


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text"])
def test_parts_of_text(kind: str) -> None:
    """Several parts are put together."""
    parts = [{"type": kind, "text": "Hi"}, {"type": kind, "text": "."}]
    assert _conversation({"role": "user", "content": parts}) == USER_TEXT


@pytest.mark.parametrize("kind", ["input_image", "input_file", "input_audio"])
def test_other_parts_are_refused(kind: str) -> None:
    """In messages and in outputs."""
    error = refusal(respond, input=[{"role": "user", "content": [{"type": kind}]}])
    assert error.field == "input[0].content[0].type"
    assert error.reason is BodyErrorReason.UNSUPPORTED_CONTENT
    error = refusal(respond, input=[_CALL, {**_OUTPUT, "output": [{"type": kind}]}])
    assert error.field == "input[1].output[0].type"


@pytest.mark.parametrize(
    ("phase", "rendered"),
    [("commentary", _PREAMBLE_TEXT), ("final_answer", _FINAL_TEXT)],
)
def test_the_phase_of_a_message(phase: str, rendered: str) -> None:
    """It decides about the channel, whatever follows."""
    assert _conversation(USER, _assistant(phase=phase), _CALL) == (
        USER_TEXT + rendered + _CALL_TEXT
    )
    assert _conversation(USER, _assistant(phase=phase), USER) == USER_TEXT + rendered + USER_TEXT


@pytest.mark.parametrize(
    ("following", "is_preamble"),
    [
        ([], False),
        ([_CALL], True),
        (
            [{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "x"}]}, _CALL],
            True,
        ),
        ([{"role": "developer", "content": "x"}, _CALL], True),
        ([USER, _CALL], False),
        ([_assistant(), _CALL], False),
        ([{"type": "custom_tool_call", "call_id": "c", "name": "f", "input": ""}], True),
    ],
)
def test_a_message_without_a_phase(following: list[Any], is_preamble: bool) -> None:
    """It is a preamble if a call follows before another message of assistant or user."""
    shown = _conversation(USER, _assistant(), *following)
    first = shown.removeprefix(USER_TEXT)
    assert first.startswith(_PREAMBLE_TEXT if is_preamble else _FINAL_TEXT)


def test_a_message_without_text_is_skipped() -> None:
    """An empty answer would teach empty answers."""
    prompt = respond(input=[USER, _assistant(content=[]), USER])
    assert conversation(prompt) == USER_TEXT + USER_TEXT
    assert notices(prompt) == [(NoticeReason.ITEM_IGNORED, "input[1]")]


# Reasoning


@pytest.mark.parametrize(
    ("members", "rendered"),
    [
        (
            {
                "content": [
                    {"type": "reasoning_text", "text": "One."},
                    {"type": "reasoning_text", "text": "Two."},
                ],
                "encrypted_content": _packed("Packed."),
                "summary": [{"type": "summary_text", "text": "Short."}],
            },
            "One.Two.",
        ),
        (
            {
                "content": [],
                "encrypted_content": _packed("Packed é."),
                "summary": [{"type": "summary_text", "text": "Short."}],
            },
            "Packed é.",
        ),
        (
            {
                "encrypted_content": None,
                "summary": [
                    {"type": "summary_text", "text": "Short."},
                    {"type": "summary_text", "text": "Shorter."},
                ],
            },
            "Short.\n\nShorter.",
        ),
    ],
)
def test_reasoning_is_read_from_the_first_that_is_there(
    members: dict[str, Any], rendered: str
) -> None:
    """Its content, else what this layer packed, else the summary."""
    shown = _conversation(USER, {"type": "reasoning", "id": "rs_1", **members})
    assert shown == (
        f"{USER_TEXT}<|start|>assistant<|channel|>analysis<|message|>{rendered}<|end|>"
    )


def test_reasoning_without_text_is_skipped() -> None:
    """With a notice."""
    prompt = respond(input=[USER, {"type": "reasoning", "id": "rs_1", "summary": []}])
    assert conversation(prompt) == USER_TEXT
    assert notices(prompt) == [(NoticeReason.ITEM_IGNORED, "input[1]")]


@pytest.mark.parametrize(
    "content",
    [
        "gAAAAABo",
        "hs1.",
        "hs1.!!!!",
        "hs1.é",
        _packed("Text.").replace("hs1.", "hs1.!!!!"),
        "hs1." + base64.urlsafe_b64encode(b"no zlib").decode(),
        "hs1." + base64.urlsafe_b64encode(zlib.compress(b"\xff")).decode(),
        "hs1." + base64.urlsafe_b64encode(zlib.compress(b"cut off")[:-2]).decode(),
        "hs1." + base64.urlsafe_b64encode(zlib.compress(b"x") + b"more").decode(),
        _packed("x" * (1024 * 1024 + 1)),
    ],
)
def test_foreign_encrypted_content_is_skipped(content: str) -> None:
    """It is a client's, and not to be trusted."""
    prompt = respond(input=[USER, {"type": "reasoning", "encrypted_content": content}])
    assert conversation(prompt) == USER_TEXT
    assert notices(prompt) == [
        (NoticeReason.PARAMETER_IGNORED, "input[1].encrypted_content"),
        (NoticeReason.ITEM_IGNORED, "input[1]"),
    ]


def test_unpacked_reasoning_is_bounded_in_total() -> None:
    """A small body does not unpack to a huge prompt."""
    item = {"type": "reasoning", "encrypted_content": _packed("x" * 1024 * 1024)}
    error = refusal(respond, input=[USER, *[item] * 5])
    assert error.field == "input[5].encrypted_content"
    assert (error.limit, error.maximum) == ("MAX_TOTAL_UNPACKED_BYTES", 4 * 1024 * 1024)


# Calls


def test_a_call_and_its_output() -> None:
    """As in chat completions."""
    assert _conversation(USER, _CALL, _OUTPUT) == USER_TEXT + _CALL_TEXT + _OUTPUT_TEXT


def test_an_output_of_parts() -> None:
    """Text parts are put together."""
    output = [{"type": "input_text", "text": "do"}, {"type": "input_text", "text": "ne"}]
    shown = _conversation(USER, _CALL, {**_OUTPUT, "output": output})
    assert shown == USER_TEXT + _CALL_TEXT + _OUTPUT_TEXT


def test_a_custom_call_and_its_output() -> None:
    """Custom tools are functions of one string to the model."""
    shown = _conversation(
        USER,
        {"type": "custom_tool_call", "call_id": "c", "name": "sh", "input": "ls\n"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
    )
    assert shown == (
        f"{USER_TEXT}<|start|>assistant to=functions.sh<|channel|>commentary json<|message|>"
        '{"input":"ls\\n"}<|call|>'
        "<|start|>functions.sh to=assistant<|channel|>commentary<|message|>done<|end|>"
    )


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
def test_an_output_without_a_call_is_refused(kind: str) -> None:
    """The nearest preceding call with the id has to be there."""
    error = refusal(respond, input=[USER, {**_OUTPUT, "type": kind}, _CALL])
    assert (error.field, error.reason) == ("input[1].call_id", BodyErrorReason.UNKNOWN_CALL_ID)


@pytest.mark.parametrize(
    "kind",
    [
        "additional_tools",
        "code_interpreter_call",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    ],
)
def test_records_of_hosted_tools_are_skipped(kind: str) -> None:
    """Each is complete in one item, so nothing is left of half a dialogue."""
    prompt = respond(input=[USER, {"type": kind, "id": "x", "action": {}}])
    assert conversation(prompt) == USER_TEXT
    assert notices(prompt) == [(NoticeReason.ITEM_IGNORED, "input[1]")]


@pytest.mark.parametrize(
    "kind",
    [
        "apply_patch_call",
        "apply_patch_call_output",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "local_shell_call",
        "local_shell_call_output",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "from_the_future",
    ],
)
def test_items_that_cannot_be_rendered_are_refused(kind: str) -> None:
    """Half a dialogue would be lost, or a cipher text, or something unknown."""
    error = refusal(respond, input=[USER, {"type": kind}])
    assert (error.field, error.reason) == ("input[1].type", BodyErrorReason.UNSUPPORTED_ITEM)


@pytest.mark.parametrize("status", ["incomplete", "in_progress", "completed"])
def test_the_status_changes_nothing(status: str) -> None:
    """An incomplete item is rendered like a complete one."""
    shown = _conversation(USER, _assistant(status=status, phase="final_answer"))
    assert shown == USER_TEXT + _FINAL_TEXT


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ("Hi.", "input[0]"),
        ({"type": 1}, "input[0].type"),
        ({}, "input[0].role"),
        ({"role": "tool", "content": ""}, "input[0].role"),
        ({"role": "user"}, "input[0].content"),
        ({"role": "assistant", "content": "x", "phase": "x"}, "input[0].phase"),
        ({"type": "reasoning", "content": "x", "summary": 1}, None),
        ({"type": "reasoning", "summary": 1}, "input[0].summary"),
        ({"type": "reasoning", "encrypted_content": 1}, "input[0].encrypted_content"),
        ({"type": "function_call", "name": ""}, "input[0].name"),
        ({"type": "function_call", "name": "f", "arguments": {}}, "input[0].arguments"),
        ({"type": "custom_tool_call", "name": "f"}, "input[0].input"),
        ({"type": "function_call_output", "output": ""}, "input[0].call_id"),
        ({"type": "item_reference"}, "input[0].id"),
    ],
)
def test_the_error_names_the_place(item: object, field: str | None) -> None:
    """An item of another form is refused where it differs, if that part is read."""
    if field is None:
        respond(input=[item])
    else:
        error = refusal(respond, input=[item])
        assert (error.field, error.reason) == (field, BodyErrorReason.INVALID_FIELD)


@pytest.mark.parametrize("given", [None, [], {}, 5])
def test_an_input_is_required(given: object) -> None:
    """Without history there has to be something to answer."""
    assert refusal(respond, input=given).field == "input"


def test_members_that_are_not_known_are_noticed() -> None:
    """Those that say nothing are not mentioned."""
    prompt = respond(input=[{**USER, "id": "msg_1", "weight": 1, "extra": None}])
    assert notices(prompt) == [(NoticeReason.PARAMETER_IGNORED, "input[0].weight")]


# Which reasoning stays

_TURNS = [
    USER,
    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "One."}]},
    _assistant(),
    USER,
    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Two."}]},
    _CALL,
    _OUTPUT,
]


@pytest.mark.parametrize(
    ("history", "reasoning", "kept"),
    [
        (ReasoningHistory.CURRENT_TURN, None, ["Two."]),
        (ReasoningHistory.ALL, None, ["One.", "Two."]),
        (ReasoningHistory.NONE, None, []),
        (ReasoningHistory.CURRENT_TURN, {"context": "all_turns"}, ["One.", "Two."]),
        (ReasoningHistory.NONE, {"context": "all_turns"}, ["One.", "Two."]),
        (ReasoningHistory.CURRENT_TURN, {"context": "auto"}, ["Two."]),
    ],
)
def test_reasoning_of_earlier_turns(
    history: ReasoningHistory, reasoning: dict[str, Any] | None, kept: list[str]
) -> None:
    """The policy says what stays, unless the request asks for all turns."""
    policy = RenderPolicy(reasoning_history=history)
    shown = text(respond(policy, input=_TURNS, reasoning=reasoning))
    assert [word for word in ("One.", "Two.") if word in shown] == kept


@given(st.binary(max_size=64))
def test_no_encrypted_content_fails(packed: bytes) -> None:
    """Whatever stands behind the prefix."""
    content = f"hs1.{base64.urlsafe_b64encode(packed).decode()}"
    item = {"type": "reasoning", "encrypted_content": content}
    assert conversation(respond(input=[USER, item])) == USER_TEXT
