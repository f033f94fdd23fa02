"""Arguments, ends, limits, stop strings, usage and text outside messages in chat completions."""

import json

import pytest

from harmony_server.openai.answers import Answer, AnswerStepResult, EndReason, SequenceEnd
from tests.support.encodings import encoding, tokens_of

from .asking import ANALYSIS, CALL, COMMENTARY, FINAL, NEXT, Streamed, chat, completion, message
from .reading import read_chunks, read_frames


@pytest.mark.parametrize(
    "arguments",
    ['{"a": 1}', "{ }", "not json", '{"a": 1.50, "b":[ ]}\n', '  {"a":1}', "[1", '"x"', "0"],
)
def test_arguments_are_verbatim(arguments: str) -> None:
    """Arguments are neither trimmed nor parsed nor written anew, JSON or not."""
    (call,) = message(chat(), f"{CALL}{arguments}<|call|>")["tool_calls"]
    assert call["function"]["arguments"] == arguments


@pytest.mark.parametrize("blank", ["", " ", "\n\n \t"])
def test_blank_arguments_are_an_empty_object(blank: str) -> None:
    """Clients parse arguments, so that white space becomes `{}`."""
    (call,) = message(chat(), f"{CALL}{blank}<|call|>")["tool_calls"]
    assert call["function"]["arguments"] == "{}"


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_call_that_was_cut_off_does_not_look_whole(blank: str) -> None:
    """At the limit on tokens, a call keeps the arguments that it has: none."""
    found = completion(chat(), f"{CALL}{blank}", EndReason.LENGTH)["choices"][0]
    assert found["finish_reason"] == "length"
    assert found["message"]["tool_calls"][0]["function"]["arguments"] == blank


def test_a_header_that_was_cut_off_is_no_message() -> None:
    """At the limit on tokens, half a header is no call; at a stop, it is one."""
    text = "<|channel|>commentary to=functions.get_weather"
    found = completion(chat(), text, EndReason.LENGTH)["choices"][0]
    assert found["message"] == {"role": "assistant", "content": "", "refusal": None}
    stopped = completion(chat(), text, EndReason.STOP)["choices"][0]
    assert stopped["message"]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize("text", [f"{FINAL}Hi", f"{FINAL}Hi<|return|>", f"{FINAL}Hi<|end|>"])
def test_the_stop_token_may_be_left_out(text: str) -> None:
    """Engines that strip the stop token get the same answer."""
    found = completion(chat(), text)["choices"][0]
    assert (found["message"]["content"], found["finish_reason"]) == ("Hi", "stop")


@pytest.mark.parametrize(
    ("end", "text", "expected"),
    [
        (EndReason.STOP, f"{FINAL}Hi<|return|>", "stop"),
        (EndReason.STOP, f"{CALL}{{}}<|call|>", "tool_calls"),
        (EndReason.STOP, f"{FINAL}Hi{NEXT}{CALL}{{}}<|call|>", "tool_calls"),
        (EndReason.LENGTH, f"{FINAL}Hi", "length"),
        (EndReason.LENGTH, f"{CALL}{{", "length"),
        (EndReason.CONTENT_FILTER, f"{FINAL}Hi", "content_filter"),
        (EndReason.CONTENT_FILTER, f"{CALL}{{", "content_filter"),
    ],
)
def test_the_finish_reason(end: EndReason, text: str, expected: str) -> None:
    """Stop with a call is `tool_calls`; the other ends say themselves."""
    assert completion(chat(), text, end)["choices"][0]["finish_reason"] == expected
    assert Streamed(chat(), text, end).result.outcomes[0].finish_reason == expected


def test_a_cancelled_stream_says_nothing_more() -> None:
    """When the client has gone, no frame follows, not even of text that was held back."""
    streamed = Streamed(chat(stop=("!!",)), f"{FINAL}Hi!", EndReason.CANCELLED)
    assert streamed.steps[-1] == b""
    assert streamed.result.body_json == b""
    assert streamed.result.outcomes[0].finish_reason == ""
    assert streamed.result.completion_tokens == 5


def test_finish_cancels_every_open_sequence() -> None:
    """The half-close ends what is open as if cancelled; what has ended is in the body."""
    answer = Answer(encoding(), chat(stream=False, choices=2))
    answer.open()
    tokens = tokens_of(f"{FINAL}Hi<|return|>")
    assert answer.step(tokens, ends=[SequenceEnd(0, EndReason.STOP)]).result is None
    result = answer.finish().result
    assert result is not None
    assert [choice["index"] for choice in json.loads(result.body_json)["choices"]] == [0]
    assert answer.finish() == AnswerStepResult(b"", [], [], None)


@pytest.mark.parametrize(("given", "shown"), [(None, "The engine failed."), ("Boom", "Boom")])
def test_an_engine_that_failed(given: str | None, shown: str) -> None:
    """An error ends all choices: a frame with OpenAI's error object, then `[DONE]`."""
    error = {"error": {"message": shown, "type": "server_error", "param": None, "code": None}}
    for stream in (True, False):
        answer = Answer(encoding(), chat(stream=stream, choices=2))
        answer.open()
        step = answer.step(tokens_of(f"{FINAL}Hi"), ends=[SequenceEnd(0, EndReason.ERROR, given)])
        assert step.stop_choices == [1]
        assert step.result is not None
        assert step.result.http_status == 500
        if stream:
            *_, last, done = read_frames(step.frames)
            assert json.loads(last[1]) == error
            assert done[1] == "[DONE]"
            assert step.result.body_json == b""
        else:
            assert step.frames == b""
            assert json.loads(step.result.body_json) == error


def test_a_call_past_the_limit_ends_the_sequence() -> None:
    """With `max_calls` the second call is neither shown nor counted, and sampling stops."""
    first = f"{CALL}{{}}<|call|>"
    tokens = tokens_of(f"{first}<|start|>assistant{CALL}[1]<|call|>")
    for size in (1, len(tokens)):
        streamed = Streamed(chat(max_calls=1), tokens, sizes=[size] * (len(tokens) // size))
        assert streamed.stops == [0]
        assert streamed.result.outcomes[0].finish_reason == "tool_calls"
        # Up to the header's end.
        assert streamed.result.completion_tokens == len(tokens) - 4
    assert len(message(chat(max_calls=1), tokens)["tool_calls"]) == 1


@pytest.mark.parametrize(
    ("stop", "text", "content"),
    [
        (("STOP",), "Hello STOP you", "Hello "),
        (("STOP", " there"), "Hello there STOP", "Hello"),
        (("abcd", "bc"), "abcd", "a"),
        (("\n\n",), "one\n\ntwo", "one"),
        (("ello",), "Hello", "H"),
        (("xyz",), "Hello xy", "Hello xy"),
        (("🦄",), "a 🦄 b", "a "),
    ],
)
def test_content_ends_before_a_stop_string(stop: tuple[str, ...], text: str, content: str) -> None:
    """Content ends before the stop string that is complete first, over any border of tokens."""
    tokens = tokens_of(f"{ANALYSIS}STOP there{NEXT}{FINAL}{text}<|return|>")
    for size in (1, 2, 3, len(tokens)):
        sizes = [size] * (len(tokens) // size)
        streamed = Streamed(chat(stop=stop), tokens, sizes=sizes)
        assert "".join(delta.get("content", "") for delta in streamed.deltas()) == content
        assert streamed.stops == ([0] if content != text else [])
        assert streamed.result.outcomes[0].finish_reason == "stop"
    found = completion(chat(stop=stop), tokens)["choices"][0]
    assert found["message"]["content"] == content
    assert found["message"]["reasoning"] == "STOP there"


def test_what_may_become_a_stop_string_is_held_back() -> None:
    """The tail that may be the beginning of a stop string waits for more, and not for longer."""
    streamed = Streamed(chat(stop=("to be or",)), f"{FINAL}I am to be in<|return|>")
    contents = [delta["content"] for delta in streamed.deltas()]
    assert contents == ["I", " am", " ", "to be in"]


def test_tokens_behind_a_stop_string_do_not_count() -> None:
    """The engine's surplus is skipped: it is in no frame and in no usage."""
    tokens = tokens_of(f"{FINAL}one STOP two three<|return|>")
    whole = Streamed(chat(stop=(" STOP",)), tokens, sizes=[len(tokens)])
    single = Streamed(chat(stop=(" STOP",)), tokens)
    assert whole.result.completion_tokens == single.result.completion_tokens == 5


def test_arguments_and_reasoning_have_no_stop_strings() -> None:
    """A stop string in a call, or over two messages, has no effect."""
    text = f"{ANALYSIS}STOP{NEXT}{COMMENTARY}ST{NEXT}{FINAL}OP{NEXT}{CALL}STOP<|call|>"
    found = message(chat(stop=("STOP", "T\n\nO")), text)
    assert found["content"] == "ST\n\nOP"
    assert found["tool_calls"][0]["function"]["arguments"] == "STOP"


def test_usage_counts_what_was_sampled_and_shown() -> None:
    """Headers and stop tokens count as completion; reasoning is what is shown as such."""
    text = f"{ANALYSIS}one two three{NEXT}{COMMENTARY}four{NEXT}{CALL}{{}}<|call|>"
    usage = completion(chat(), text)["usage"]
    assert usage["completion_tokens"] == len(tokens_of(text))
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 3}
    assert usage["total_tokens"] == 7 + usage["completion_tokens"]
    as_json = completion(chat(json_content=True), text)["usage"]
    assert as_json["completion_tokens_details"] == {"reasoning_tokens": 4}


def test_the_last_word_on_cached_tokens_counts() -> None:
    """`cached_tokens` is what the engine said last."""
    answer = Answer(encoding(), chat())
    answer.step([], cached_prompt_tokens=3)
    answer.step([], cached_prompt_tokens=5)
    given = answer.step(tokens_of(f"{FINAL}Hi"), ends=[SequenceEnd(0, EndReason.STOP)])
    *_, (_, usage), _ = read_frames(given.frames)
    assert json.loads(usage)["usage"]["prompt_tokens_details"] == {"cached_tokens": 5}


def test_prefilled_tokens_are_read_and_not_counted() -> None:
    """A prefill of `tool_choice` begins the call; its tokens are the prompt's."""
    prefill = tokens_of(CALL)
    context = chat(prefilled_tokens=tuple(prefill))
    body = completion(context, '{"a":1}<|call|>')
    (call,) = body["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"a":1}'}
    assert body["usage"]["completion_tokens"] == len(tokens_of('{"a":1}<|call|>'))


def test_a_prefill_may_end_inside_the_recipient() -> None:
    """With several tools the model writes the name itself."""
    context = chat(prefilled_tokens=tuple(tokens_of("<|channel|>commentary to=functions")))
    text = ".get_weather <|constrain|>json<|message|>{}<|call|>"
    (call,) = message(context, text)["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": "{}"}


def test_reasoning_is_continued_with_a_call() -> None:
    """With `continue_tokens`, the reasoning's end asks for the header, which is not counted."""
    context = chat(continue_tokens=tuple(tokens_of(f"<|start|>assistant{CALL}")))
    sampled = tokens_of(f'{ANALYSIS}Hm.<|end|>{{"a":1}}<|call|>')
    for size in (1, len(sampled)):
        streamed = Streamed(context, sampled, sizes=[size] * (len(sampled) // size))
        assert streamed.continuations == [0]
        assert streamed.result.completion_tokens == len(sampled)
        assert streamed.result.reasoning_tokens == 2
    (call,) = message(context, sampled)["tool_calls"]
    assert call["function"]["arguments"] == '{"a":1}'


def test_text_outside_messages_is_content_of_last_resort() -> None:
    """Text of no message is shown if nothing else is, unless the turn was cut off."""
    alone = "<|end|>Hello there"
    assert message(chat(), alone)["content"] == "Hello there"
    assert message(chat(), alone, EndReason.LENGTH)["content"] == ""
    assert message(chat(stop=(" there",)), alone)["content"] == "Hello"
    beside = f"{ANALYSIS}Hm.<|end|>364<|start|>assistant{FINAL}hi<|return|>"
    assert message(chat(), beside)["content"] == "hi"
    assert Streamed(chat(), beside).result.outcomes[0].repairs == 1


def test_json_content_is_json_alone() -> None:
    """Where the content has to be JSON, a preamble is reasoning."""
    text = f'{COMMENTARY}Here it is:{NEXT}{FINAL}{{"a":1}}<|return|>'
    found = message(chat(json_content=True), text)
    assert (found["content"], found["reasoning"]) == ('{"a":1}', "Here it is:")


def test_tokens_behind_the_end_are_skipped() -> None:
    """A sequence that has ended takes no more tokens and no other end."""
    answer = Answer(encoding(), chat(choices=2))
    frames = answer.open()
    frames += answer.step(tokens_of(FINAL), ends=[SequenceEnd(0, EndReason.STOP)]).frames
    given = answer.step(tokens_of("more"), ends=[SequenceEnd(0, EndReason.ERROR)])
    assert (given.frames, given.result) == (b"", None)
    given = answer.step([], ends=[SequenceEnd(1, EndReason.STOP)])
    assert given.result is not None
    read_chunks(frames + given.frames)
