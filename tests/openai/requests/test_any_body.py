"""Any JSON body gives a prompt, or an error at a place that is in it."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harmony_server.openai.prompt import Prompt
from harmony_server.openai.render_policy import (
    NamespaceTools,
    ReasoningHistory,
    RenderPolicy,
    ToolChoiceMethod,
    Unsupported,
)
from harmony_server.openai.request_errors import RequestBodyError
from harmony_server.openai.requests import render_chat_completion, render_model_response
from tests.strategies.mixing import one_in

from .bodies import SECRET, chat_bodies, histories, response_bodies, values
from .places import exists
from .rendering import ENCODING, HEADER, to_bytes

# Rarely rejected, so that most bodies are read to their end.
_unsupported = one_in(10).map(lambda rare: Unsupported.REJECT if rare else Unsupported.IGNORE)
_policies = st.builds(
    RenderPolicy,
    unsupported_effort=_unsupported,
    unsupported_tools=_unsupported,
    reasoning_history=st.sampled_from(ReasoningHistory),
    tool_choice_method=st.sampled_from(ToolChoiceMethod),
    namespace_tools=st.sampled_from(NamespaceTools),
)


def _outcome(render: Callable[[], Prompt]) -> Prompt | RequestBodyError:
    try:
        return render()
    except RequestBodyError as error:
        return error


def _check(render: Callable[[], Prompt], body: Any, history: Any = None) -> None:
    outcome = _outcome(render)
    if isinstance(outcome, RequestBodyError):
        _check_error(outcome, body, history)
    else:
        _check_prompt(outcome, body, history)


def _check_error(error: RequestBodyError, body: Any, history: Any) -> None:
    _check_place(error.field, body, history)
    answer = json.loads(error.openai_error_json())["error"]
    assert set(answer) == {"message", "type", "param", "code"}
    assert SECRET not in f"{error!r}{error}{error.message}{error.openai_error_json()}"


def _check_prompt(prompt: Prompt, body: Any, history: Any) -> None:
    for notice in prompt.notices:
        _check_place(notice.field, body, history)
        assert SECRET not in repr(notice)
    for text in (
        prompt.sampling.constraints_json,
        prompt.sampling.extra_json,
        prompt.context.echo_json or None,
        prompt.input_items_json,
    ):
        assert text is None or json.loads(text) is not None
    ending = prompt.prompt_tokens[len(prompt.prompt_tokens) - prompt.prefilled :]
    assert tuple(ending) == prompt.context.prefilled_tokens
    assert prompt.context.prompt_tokens == len(prompt.prompt_tokens)


def _check_place(place: str, body: Any, history: Any) -> None:
    if place.startswith("history_json"):
        assert exists(place.removeprefix("history_json"), history)
    elif place:
        assert exists(place, body)


@settings(max_examples=200)
@given(chat_bodies(), _policies)
def test_any_chat_completion(body: Any, policy: RenderPolicy) -> None:
    """Bodies that are nearly right."""
    data = to_bytes(body)
    _check(lambda: render_chat_completion(ENCODING, data, HEADER, policy), body)


@settings(max_examples=200)
@given(response_bodies(), _policies, histories())
def test_any_model_response(body: Any, policy: RenderPolicy, history: Any) -> None:
    """The same, and histories that are nearly right."""
    data = to_bytes(body)
    remembered = None if history is None else to_bytes(history)
    _check(lambda: render_model_response(ENCODING, data, HEADER, policy, remembered), body, history)


@given(values)
def test_any_value(value: Any) -> None:
    """Bodies that have nothing to do with the APIs."""
    data = to_bytes(value)
    _check(lambda: render_chat_completion(ENCODING, data, HEADER), value)
    _check(lambda: render_model_response(ENCODING, data, HEADER), value)


@given(st.binary(max_size=40))
def test_any_bytes(data: bytes) -> None:
    """Bodies that are no JSON at all."""
    for outcome in (
        _outcome(lambda: render_chat_completion(ENCODING, data, HEADER)),
        _outcome(lambda: render_model_response(ENCODING, data, HEADER)),
    ):
        assert isinstance(outcome, RequestBodyError)
        assert len(str(outcome)) < 200
