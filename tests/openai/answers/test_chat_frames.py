"""The frames of a streamed chat completion, literally, and the body that they add up to."""

import json

import pytest

from harmony_server.openai.answer_context import AnswerHeader, ReasoningField
from harmony_server.openai.answers import Answer, EndReason, Framing, SequenceEnd
from tests.support.encodings import encoding, tokens_of

from .asking import ANALYSIS, CALL, COMMENTARY, FINAL, NEXT, Streamed, chat, completion, message
from .reading import read_chunks

_HEAD = (
    'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,'
    '"model":"gpt-oss-20b","choices":['
)


def _chunk(choice: str) -> str:
    return f'{_HEAD}{choice}],"usage":null}}\n\n'


def _delta(delta: str) -> str:
    return _chunk(f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}')


def test_a_stream_is_these_bytes() -> None:
    """Role, reasoning, content, finish reason, usage and the end stand in this order."""
    frames = Streamed(chat(), f"{ANALYSIS}Hm!{NEXT}{FINAL}Hi<|return|>").frames.decode()
    assert frames == (
        _delta('{"role":"assistant"}')
        + _delta('{"reasoning":"Hm","reasoning_content":"Hm"}')
        + _delta('{"reasoning":"!","reasoning_content":"!"}')
        + _delta('{"content":"Hi"}')
        + _chunk('{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}')
        + f'{_HEAD}],"usage":{{"prompt_tokens":7,"completion_tokens":13,"total_tokens":20,'
        '"prompt_tokens_details":{"cached_tokens":0},'
        '"completion_tokens_details":{"reasoning_tokens":2}}}\n\n'
        "data: [DONE]\n\n"
    )


def test_without_usage_no_chunk_has_the_member() -> None:
    """Only a stream that asks for its usage has `usage`, at the end and as null before."""
    frames = Streamed(chat(include_usage=False), f"{FINAL}Hi<|return|>").frames
    assert b"usage" not in frames
    assert frames.endswith(b"data: [DONE]\n\n")


def test_the_fingerprint_stands_in_every_chunk() -> None:
    """`system_fingerprint` comes last but for the usage, in the chunk of the usage too."""
    header = AnswerHeader("chatcmpl-1", 1, "m", system_fingerprint="fp_1")
    chunks = read_chunks(Streamed(chat(header=header), f"{FINAL}Hi<|return|>").frames)
    assert {chunk["system_fingerprint"] for chunk in chunks} == {"fp_1"}
    assert completion(chat(header=header), f"{FINAL}Hi<|return|>")["system_fingerprint"] == "fp_1"


def test_lines_have_the_same_chunks() -> None:
    """With framing LINES each chunk is one line, and there is no `[DONE]`, which is not JSON."""
    answer = Answer(encoding(), chat(), Framing.LINES)
    frames = answer.open()
    tokens = tokens_of(f"{FINAL}Hi<|return|>")
    frames += answer.step(tokens, ends=[SequenceEnd(0, EndReason.STOP)]).frames
    lines = [json.loads(line) for line in frames.decode().splitlines()]
    assert lines == read_chunks(Streamed(chat(), tokens).frames)


def test_the_chunks_of_a_step_are_merged_by_part() -> None:
    """A step of many tokens gives one chunk for each part that got text."""
    text = f"{ANALYSIS}Let me see.{NEXT}{FINAL}It is 4, I think.<|return|>"
    streamed = Streamed(chat(), text, sizes=[len(tokens_of(text))])
    assert streamed.deltas() == [
        {"reasoning": "Let me see.", "reasoning_content": "Let me see."},
        {"content": "It is 4, I think."},
    ]


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (ReasoningField.BOTH, ["reasoning", "reasoning_content"]),
        (ReasoningField.REASONING, ["reasoning"]),
        (ReasoningField.REASONING_CONTENT, ["reasoning_content"]),
        (ReasoningField.NONE, []),
    ],
)
def test_reasoning_is_where_the_context_says(field: ReasoningField, names: list[str]) -> None:
    """Reasoning stands in both members, in one or in none, and is counted in any case."""
    context = chat(reasoning_field=field)
    text = f"{ANALYSIS}Hm.{NEXT}{FINAL}Hi<|return|>"
    body = completion(context, text)
    found = body["choices"][0]["message"]
    assert [name for name in found if name.startswith("reasoning")] == names
    assert {found[name] for name in names} <= {"Hm."}
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 2


def test_a_call_has_its_id_and_name_once() -> None:
    """The first delta of a call has id, type and name; the others have arguments alone."""
    deltas = Streamed(chat(), f'{CALL}{{"city":"Rome"}}<|call|>').deltas()
    first, *others = (delta["tool_calls"][0] for delta in deltas)
    assert first == {
        "index": 0,
        "id": "call_c2d2c9e2dc83ba23077db602",
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    assert all(set(call) == {"index", "function"} for call in others)
    assert "".join(call["function"]["arguments"] for call in others) == '{"city":"Rome"}'


def test_the_body_of_a_call_has_no_content() -> None:
    """Next to calls, and only there, content is null; calls are indexed from 0."""
    two = f"{CALL}{{}}<|call|><|start|>assistant{CALL}[1]<|call|>"
    body = completion(chat(), two)
    found = body["choices"][0]
    assert found["finish_reason"] == "tool_calls"
    assert found["message"]["content"] is None
    assert [call["function"]["arguments"] for call in found["message"]["tool_calls"]] == [
        "{}",
        "[1]",
    ]
    assert len({call["id"] for call in found["message"]["tool_calls"]}) == 2


def test_messages_of_one_kind_are_set_apart() -> None:
    """A blank line stands before the text of a second message that is shown in the same place."""
    text = f"{ANALYSIS}a{NEXT}{COMMENTARY}b{NEXT}{ANALYSIS}c{NEXT}{FINAL}d<|return|>"
    assert message(chat(), text) == {
        "role": "assistant",
        "content": "b\n\nd",
        "refusal": None,
        "reasoning": "a\n\nc",
        "reasoning_content": "a\n\nc",
    }


def test_an_empty_message_sets_nothing_apart() -> None:
    """A message without text leaves no blank line."""
    text = f"{COMMENTARY}{NEXT}{FINAL}d{NEXT}{COMMENTARY}<|end|>"
    assert message(chat(), text)["content"] == "d"


def test_an_empty_turn_is_flagged_and_has_empty_content() -> None:
    """Content is an empty string, never null without a call, and the outcome says so."""
    streamed = Streamed(chat(), f"{ANALYSIS}Hm.<|return|>")
    assert message(chat(), f"{ANALYSIS}Hm.<|return|>")["content"] == ""
    assert streamed.deltas()[-1] == {"content": ""}
    assert streamed.result.outcomes[0].empty
    assert not Streamed(chat(), f"{FINAL}Hi<|return|>").result.outcomes[0].empty
    assert not Streamed(chat(), f"{CALL}{{}}<|call|>").result.outcomes[0].empty
    assert Streamed(chat(), f"{FINAL} \n<|return|>").result.outcomes[0].empty


def test_choices_appear_in_order() -> None:
    """Each choice gets its role first, in order, whichever is sampled first."""
    answer = Answer(encoding(), chat(choices=3))
    frames = answer.open()
    for choice, word in ((2, "two"), (0, "zero"), (1, "one")):
        tokens = tokens_of(f"{FINAL}{word}<|return|>")
        ends = [SequenceEnd(choice, EndReason.STOP)]
        given = answer.step(tokens, [choice] * len(tokens), ends=ends)
        frames += given.frames
    chunks = read_chunks(frames)
    roles = [chunk["choices"][0] for chunk in chunks[:3]]
    assert [(role["index"], role["delta"]) for role in roles] == [
        (index, {"role": "assistant"}) for index in range(3)
    ]
    assert given.result is not None
    assert [outcome.sequence for outcome in given.result.outcomes] == [0, 1, 2]
    assert chunks[-1]["usage"]["completion_tokens"] == given.result.completion_tokens == 15


def test_a_legacy_call_is_a_function_call() -> None:
    """Before there were tools, an answer had one function call, without an id."""
    context = chat(legacy_function_call=True)
    two = f"{CALL}{{}}<|call|><|start|>assistant{CALL}[1]<|call|>"
    body = completion(context, two)
    found = body["choices"][0]
    assert found["finish_reason"] == "function_call"
    assert found["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "function_call": {"name": "get_weather", "arguments": "{}"},
    }
