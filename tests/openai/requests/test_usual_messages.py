"""Messages of the usual shape are read on a path of their own, with the same result."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony_server.openai.notices import NoticeReason
from harmony_server.openai.render_policy import RenderPolicy
from harmony_server.openai.request_errors import RequestBodyError
from harmony_server.openai.requests import plan_chat_completion

from .rendering import HEADER

_TEXTS = st.sampled_from(["", "Rain?", "☔", "<|end|>", "{}"])
_IDS = st.sampled_from(["c1", "c2", ""])
_NAMES = st.sampled_from(["f", "get_weather", "Web Search", "functions.f", "a.b", "x" * 200, ""])
_CALLS = st.fixed_dictionaries(
    {
        "id": _IDS,
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": _NAMES, "arguments": _TEXTS}),
    }
)
_MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": st.just("user"), "content": _TEXTS | st.none()}),
    st.fixed_dictionaries({"role": st.just("system"), "content": _TEXTS}),
    st.fixed_dictionaries(
        {"role": st.just("tool"), "tool_call_id": _IDS | st.none() | st.just(1), "content": _TEXTS}
    ),
    st.fixed_dictionaries(
        {"role": st.just("assistant")},
        optional={
            "content": _TEXTS | st.none() | st.just([{"type": "text", "text": "part"}]),
            "reasoning": _TEXTS | st.none() | st.just(5),
            "tool_calls": st.lists(_CALLS, max_size=2) | st.none() | st.just("f"),
        },
    ),
)


def _plan(messages: list[Any]) -> Any:
    body = json.dumps({"model": "gpt-oss", "messages": messages}).encode()
    try:
        plan = plan_chat_completion(body, HEADER, RenderPolicy())
    except RequestBodyError as error:
        return error.reason, error.field, error.message
    # The member that keeps a message from the usual path is noticed.
    notices = [notice for notice in plan.notices if not notice.field.endswith(".unusual")]
    return plan.conversation, notices


@given(st.lists(_MESSAGES, min_size=1, max_size=5))
def test_both_ways_to_read_a_message_agree(messages: list[Any]) -> None:
    """A member that keeps messages from the usual path changes nothing else."""
    unusual = [{**message, "unusual": True} for message in messages]
    assert _plan(messages) == _plan(unusual)


@pytest.mark.parametrize("messages", [{}, "text", None])
def test_messages_must_be_a_list(messages: Any) -> None:
    """Anything but a list is refused at `messages`."""
    body = json.dumps({"model": "gpt-oss", "messages": messages}).encode()
    with pytest.raises(RequestBodyError) as caught:
        plan_chat_completion(body, HEADER, RenderPolicy())
    assert caught.value.field == "messages"


def test_a_usual_message_gives_no_notice() -> None:
    """A member that is not known is noticed, so the usual path is not taken for it."""
    body = json.dumps(
        {"model": "gpt-oss", "messages": [{"role": "user", "content": "Hi.", "unusual": True}]}
    ).encode()
    (notice,) = plan_chat_completion(body, HEADER, RenderPolicy()).notices
    assert notice.reason is NoticeReason.PARAMETER_IGNORED
