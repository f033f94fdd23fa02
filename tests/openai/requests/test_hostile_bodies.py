"""Bodies that nobody sends by accident."""

import dataclasses
import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.render_policy import RenderPolicy
from harmony_server.openai.request_errors import BodyErrorReason
from harmony_server.openai.requests import bounds, plan_model_response, transcript

from .rendering import (
    HEADER,
    USER,
    chat,
    chat_body,
    conversation,
    notices,
    refusal,
    respond,
    response_body,
    text,
    to_bytes,
)

_QUESTION = json.dumps(USER)
_NESTED_LISTS = "[" * 100_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON at line 1, column 1"),
        (b"{\n  x", "the body is not JSON at line 2, column 3"),
        (b"{} {}", "the body is not JSON at line 1, column 4"),
        (b'{"model":"\x00"}', "the body is not JSON at line 1, column 11"),
        (b'{"model":"\\x"}', "the body is not JSON at line 1, column 11"),
        (b'{"model":01}', "the body is not JSON at line 1, column 11"),
        (b'{"model":NaN}', "the body has NaN, which JSON does not have"),
        (b'{"model":-Infinity}', "the body has -Infinity, which JSON does not have"),
        (b"\xef\xbb\xbf{}", "the body begins with a byte order mark, which JSON must not have"),
        (b'{"model":"\xff"}', "the body is not UTF-8 at byte 10"),
        ('{"model":"m"}'.encode("utf-16"), "the body is not UTF-8 at byte 0"),
        (b'{"model":"\xed\xa0\xbd"}', "the body is not UTF-8 at byte 10"),
        (b"[]", "the body is not a JSON object"),
        (b'"model"', "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
        (_NESTED_LISTS.encode(), "the body is nested deeper than 120 levels"),
        (b'{"a":' * 100_000, "the body is nested deeper than 120 levels"),
    ],
)
def test_what_is_no_body(body: bytes, message: str) -> None:
    """It is refused as a whole, by both APIs."""
    for render in (chat_body, response_body):
        error = refusal(render, body=body)
        assert (error.reason, error.field) == (BodyErrorReason.MALFORMED_BODY, "")
        assert str(error) == message
        assert json.loads(error.openai_error_json()) == {
            "error": {
                "message": message,
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            }
        }


def test_nesting_is_bounded_exactly() -> None:
    """120 levels are enough for every schema."""

    def body(levels: int) -> str:
        nested = "[" * (levels - 1) + "]" * (levels - 1)
        return f'{{"model":"m","messages":[{_QUESTION}],"x":{nested}}}'

    assert chat_body(body(120)).sampling.extra_json is not None
    assert refusal(chat_body, body=body(121)).reason is BodyErrorReason.MALFORMED_BODY


def test_the_last_of_repeated_members_counts() -> None:
    """As in every other server."""
    body = f'{{"model":"a","messages":[],"model":"b","messages":[{_QUESTION}]}}'
    prompt = chat_body(body)
    assert prompt.context.header.model == "b"
    assert "Hi." in text(prompt)


def test_huge_numbers_are_passed_on() -> None:
    """They are not read where nothing depends on them."""
    digits = "9" * 100_000
    prompt = chat_body(f'{{"model":"m","messages":[{_QUESTION}],"x":[1e999,{digits},-0]}}')
    assert prompt.sampling.extra_json == f'{{"x":[1e999,{digits},-0]}}'


def test_surrogates_are_mended_wherever_they_stand() -> None:
    """In names of members too, in what is passed on, and in schemas."""
    lone = "\udc00x\ud800"
    prompt = respond(
        input=[USER],
        metadata={lone: lone},
        tools=[
            {
                "type": "function",
                "name": lone,
                "description": lone,
                "parameters": {"type": "object", "properties": {lone: {"description": lone}}},
            }
        ],
        top_k={"a": [lone]},
    )
    assert "// \ufffdx\ufffd\ntype _x_ = (_: {\n// \ufffdx\ufffd\n\ufffdx\ufffd?: any,\n" in text(
        prompt
    )
    assert prompt.context.tools[0].name == "\ufffdx\ufffd"
    assert '"metadata":{"\ufffdx\ufffd":"\ufffdx\ufffd"}' in prompt.context.echo_json
    assert prompt.sampling.extra_json == '{"top_k":{"a":["\ufffdx\ufffd"]}}'
    assert {reason for reason, _ in notices(prompt)} == {NoticeReason.TEXT_CHANGED}
    assert "top_k.a[0]" in [place for _, place in notices(prompt)]


def test_members_that_become_equal_are_repeated() -> None:
    """Two names that differ in lone surrogates only: the last counts, but not in schemas."""
    body = f'{{"model":"m","messages":[{_QUESTION}],"x":{{"\\ud800":1,"\\ud801":2}}}}'
    assert chat_body(body).sampling.extra_json == '{"x":{"\ufffd":2}}'


def test_mended_schemas_keep_their_repeated_members() -> None:
    """They are refused as if nothing had been mended."""
    schema = '{"a":1,"a":2,"b":"\\ud800"}'
    tool = f'{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}'
    body = f'{{"model":"m","messages":[{_QUESTION}],"tools":[{tool}]}}'
    assert refusal(chat_body, body=body).field == "tools[0].function.parameters"


@pytest.mark.parametrize(
    ("escaped", "content"),
    [
        (r"\\ud800", r"\ud800"),
        (r"\\\\ud800", r"\\ud800"),
        (r"\\ud83d\ude00", "\\ud83d\ufffd"),
        (r"\\\ud83d\ude00", "\\\U0001f600"),
        (r"\uD83D\\ude00", "\ufffd\\ude00"),
        (r"\n\ud83d\n\ude00", "\n\ufffd\n\ufffd"),
    ],
)
def test_escapes_are_told_from_texts_that_look_like_them(escaped: str, content: str) -> None:
    """Only a lone surrogate is mended, and every one is."""
    prompt = chat_body(f'{{"model":"m","messages":[{{"role":"user","content":"{escaped}"}}]}}')
    assert conversation(prompt) == f"<|start|>user<|message|>{content}<|end|>"
    assert bool(prompt.notices) == ("\ufffd" in content)


@given(st.lists(st.sampled_from(["\\", "\\u", "\\ud83d", "\\ude00", "ud83d", "n", '"', "x"])))
def test_no_lone_surrogate_is_missed(pieces: list[str]) -> None:
    """Whatever stands around it."""
    body = f'{{"model":"m","messages":[{{"role":"user","content":"{"".join(pieces)}"}}]}}'
    try:
        read = json.loads(body)["messages"][0]["content"]
    except (ValueError, KeyError):
        assume(False)
    mended = read.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert conversation(chat_body(body)).count("\ufffd") == mended.count("\ufffd")


def test_notices_are_bounded() -> None:
    """The last one counts those that were left out."""
    prompt = respond(input=[USER, *[{"type": "web_search_call"}] * 1000])
    assert len(prompt.notices) == 257
    assert prompt.notices[255].field == "input[256]"
    assert prompt.notices[256].field == ""
    assert prompt.notices[256].text == "744 more notices were left out"


def test_messages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not fit into the context any more is not built."""
    assert bounds.MAX_PROMPT_MESSAGES == 32_768
    monkeypatch.setattr(transcript, "MAX_PROMPT_MESSAGES", 5)
    for render, name in ((chat, "messages"), (respond, "input")):
        fitting: dict[str, Any] = {name: [USER] * 5}
        render(**fitting)
        error = refusal(render, **{name: [USER] * 6})
        assert (error.field, error.reason) == (name, BodyErrorReason.LIMIT_EXCEEDED)
        assert (error.limit, error.maximum) == ("MAX_PROMPT_MESSAGES", 5)


def test_names_of_unknown_members_are_not_repeated() -> None:
    """Unless they look like names; a text that stands as a name stays out of logs."""
    prompt = chat(messages=[{**USER, "my secret": 1, "x" * 65: 1, "seed": 1}])
    hidden: dict[str, Any] = {"my secret": {"a": ["\ud800"]}}
    assert notices(chat(**hidden)) == [(NoticeReason.TEXT_CHANGED, "")]
    assert notices(prompt) == [
        (NoticeReason.PARAMETER_IGNORED, "messages[0]"),
        (NoticeReason.PARAMETER_IGNORED, "messages[0]"),
        (NoticeReason.PARAMETER_IGNORED, "messages[0].seed"),
    ]


def test_plans_and_prompts_may_be_logged() -> None:
    """Their representations have no text of the client's."""
    secret = "sécret"
    format_of = {"type": "json_schema", "name": "n", "schema": {"title": secret}}
    body: dict[str, Any] = {
        "model": "m",
        "instructions": secret,
        "input": secret,
        "text": {"format": format_of},
        "tools": [{"type": "function", "name": "f", "description": secret}],
        "unknown": secret,
    }
    plan = plan_model_response(to_bytes(body), HEADER, RenderPolicy())
    prompt = respond(**body)
    stopped = chat(stop=[secret], messages=[{"role": "user", "content": secret}])
    for value in (plan, prompt, stopped):
        assert secret in str(dataclasses.asdict(value))
        assert secret not in repr(value)


def _tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _calls(count: int) -> list[dict[str, Any]]:
    names = [f"{'é' * (index % 10)}/{index}" for index in range(count)]
    return [{"function": {"name": name}} for name in [*names, *["é"] * count]]


@pytest.mark.parametrize(
    "members",
    [
        lambda count: {"messages": [{**USER, **{f"k{i}": 1 for i in range(count)}}]},
        lambda count: {
            "messages": [{"role": "user", "content": [{"type": "text", "text": ""}] * count}]
        },
        lambda count: {"messages": [{"role": "assistant", "tool_calls": _calls(count)}]},
        lambda count: {"tools": [{"type": "x"}] * count},
        lambda count: {"tools": [_tool(chr(0x4E00 + index)) for index in range(count)]},
        lambda count: {
            "tools": [_tool(f"f{index}") for index in range(count)],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [_tool(f"f{index}") for index in range(count)],
                },
            },
        },
        lambda count: {"logit_bias": {str(i): 0 for i in range(count)}},
        lambda count: {"x": [["\ud800"]] * count},
    ],
)
def test_work_grows_with_the_size_of_the_body(
    members: Callable[[int], dict[str, Any]],
) -> None:
    """Four times as much of one thing takes about four times the steps of the interpreter."""
    few, many = (
        _steps(lambda: chat(**members(count)))  # noqa: B023  # called at once
        for count in (100, 400)
    )
    assert many < 6 * few


def _steps(call: Callable[[], object]) -> int:
    """Returns how many steps of the interpreter a call takes."""
    steps = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return steps
