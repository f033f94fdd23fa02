"""What holds for any tokens, any request and any cutting into steps."""

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from harmony_server.openai.answer_context import AnswerContext, Api
from harmony_server.openai.answers import (
    Answer,
    AnswerResult,
    EndReason,
    LogprobColumns,
    SequenceEnd,
    build_answer,
)
from tests.support.encodings import encoding

from .asking import Streamed
from .contexts import contexts, ends, shown_ends, tokens
from .official import check_completion, check_response
from .reading import add_up_chunks, add_up_events, read_chunks, read_events


def _body(context: AnswerContext, sampled: list[int], end: EndReason) -> AnswerResult:
    result = build_answer(encoding(), context, sampled, (), [SequenceEnd(0, end)])
    if context.api is Api.CHAT_COMPLETIONS:
        check_completion(result.body_json)
    else:
        check_response(result.body_json)
    return result


@given(contexts(), tokens, shown_ends)
def test_a_body_is_what_its_stream_adds_up_to(
    context: AnswerContext, sampled: list[int], end: EndReason
) -> None:
    """No tokens are an error, each event fits the official types, and the body is their sum."""
    body = _body(context, sampled, end)
    streamed = Streamed(context, sampled, end)
    if context.api is Api.CHAT_COMPLETIONS:
        added_up = add_up_chunks(read_chunks(streamed.frames))
    else:
        added_up = add_up_events(read_events(streamed.frames))
        assert json.loads(streamed.result.body_json) == added_up
    assert json.loads(body.body_json) == added_up
    assert dataclasses.replace(body, body_json=b"") == dataclasses.replace(
        streamed.result, body_json=b""
    )


@given(contexts(), tokens, shown_ends, st.lists(st.integers(0, 5), max_size=20))
def test_steps_only_cut_the_text(
    context: AnswerContext, sampled: list[int], end: EndReason, sizes: list[int]
) -> None:
    """Any cutting gives the same messages, with the same ids, and the same result."""
    one = Streamed(context, sampled, end)
    other = Streamed(context, sampled, end, sizes)
    if context.api is Api.CHAT_COMPLETIONS:
        first, second = (add_up_chunks(read_chunks(given.frames)) for given in (one, other))
    else:
        first, second = (add_up_events(read_events(given.frames)) for given in (one, other))
    assert first == second
    assert one.result == other.result


@given(contexts(), tokens, ends)
def test_no_end_is_an_error(context: AnswerContext, sampled: list[int], end: EndReason) -> None:
    """Every end gives one result, with an outcome that fits it."""
    streamed = Streamed(context, sampled, end)
    (outcome,) = streamed.result.outcomes
    was_ended = outcome.finish_reason in ("stop", "tool_calls", "function_call")
    assert was_ended or outcome.finish_reason == {
        EndReason.LENGTH: "length",
        EndReason.CONTENT_FILTER: "content_filter",
    }.get(end, "")
    assert streamed.result.http_status == (500 if end is EndReason.ERROR and not was_ended else 200)
    assert 0 <= streamed.result.reasoning_tokens <= streamed.result.completion_tokens


@given(contexts(), tokens, shown_ends, st.lists(st.integers(0, 5), max_size=20))
def test_entries_are_the_content(
    context: AnswerContext, sampled: list[int], end: EndReason, sizes: list[int]
) -> None:
    """With log probabilities the answer is the same, and so are its entries, cut anyhow."""
    columns = LogprobColumns([-1.0] * len(sampled), [0] * len(sampled), [], [])
    with_logprobs = dataclasses.replace(context, logprobs=True)
    plain = Streamed(context, sampled, end)
    one = Streamed(with_logprobs, sampled, end, logprobs=columns)
    other = Streamed(with_logprobs, sampled, end, sizes, logprobs=columns)
    assert plain.result.outcomes == one.result.outcomes
    assert one.result == other.result
    if context.api is Api.RESPONSES:
        assert add_up_events(read_events(one.frames)) == add_up_events(read_events(other.frames))
        return
    first, second, without = (
        add_up_chunks(read_chunks(given.frames))["choices"][0] for given in (one, other, plain)
    )
    assert first == second
    assert first["message"] == without["message"]


@given(contexts(Api.CHAT_COMPLETIONS), st.lists(st.tuples(st.integers(0, 2), tokens), max_size=8))
def test_choices_do_not_disturb_each_other(
    context: AnswerContext, steps: list[tuple[int, list[int]]]
) -> None:
    """Each of several choices is as it would be alone, but for its index and its ids."""
    answer = Answer(encoding(), dataclasses.replace(context, choices=3))
    frames = answer.open()
    for choice, sampled in steps:
        frames += answer.step(sampled, [choice] * len(sampled)).frames
    last = answer.step([], ends=[SequenceEnd(index, EndReason.STOP) for index in range(3)])
    choices = add_up_chunks(read_chunks(frames + last.frames))["choices"]
    for index, found in enumerate(choices):
        sampled = [token for choice, run in steps if choice == index for token in run]
        alone = json.loads(_body(context, sampled, EndReason.STOP).body_json)["choices"][0]
        assert _without_ids(found) == _without_ids(alone | {"index": index})


def _without_ids(choice: dict[str, object]) -> str:
    text = json.dumps(choice, sort_keys=True)
    return text if '"call_' not in text else _drop_ids(json.loads(text))


def _drop_ids(choice: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    for call in choice["message"].get("tool_calls", []):
        assert call.pop("id").startswith("call_")
    return json.dumps(choice, sort_keys=True)
