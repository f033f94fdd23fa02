"""Answers to scripted tokens, streamed and whole."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from harmony_server.openai.answer_context import (
    AnswerContext,
    AnswerHeader,
    Api,
    DeclaredTool,
    ToolKind,
)
from harmony_server.openai.answers import (
    Answer,
    AnswerResult,
    EndReason,
    LogprobColumns,
    SequenceEnd,
    build_answer,
)
from tests.support.encodings import encoding, tokens_of

from .official import check_completion, check_response
from .reading import JsonObject, add_up_chunks, add_up_events, read_chunks, read_events

WEATHER = DeclaredTool(ToolKind.FUNCTION, "functions", "get_weather", "get_weather")
ANALYSIS = "<|channel|>analysis<|message|>"
COMMENTARY = "<|channel|>commentary<|message|>"
FINAL = "<|channel|>final<|message|>"
CALL = "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
NEXT = "<|end|><|start|>assistant"


def chat(**members: Any) -> AnswerContext:
    """Returns the context of a streamed chat completion that has one tool."""
    header = AnswerHeader("chatcmpl-1", 1_700_000_000, "gpt-oss-20b")
    context = AnswerContext(
        Api.CHAT_COMPLETIONS, header, 1, stream=True, include_usage=True, prompt_tokens=7
    )
    return dataclasses.replace(context, **({"tools": (WEATHER,)} | members))


def response(**members: Any) -> AnswerContext:
    """Returns the context of a streamed response that has one tool."""
    header = AnswerHeader("resp_1", 1_700_000_000, "gpt-oss-20b")
    context = AnswerContext(Api.RESPONSES, header, 1, stream=True, prompt_tokens=7)
    return dataclasses.replace(context, **({"tools": (WEATHER,)} | members))


class Streamed:
    """What a stream gave.

    Attributes:
        frames: All frames.
        steps: The frames of each step.
        stops: The choices that the answer ended, in the order of the steps.
        continuations: The choices to be continued.
        result: The result.
    """

    def __init__(
        self,
        context: AnswerContext,
        text: str | Sequence[int],
        end: EndReason = EndReason.STOP,
        sizes: Sequence[int] = (),
        logprobs: LogprobColumns | None = None,
    ) -> None:
        tokens = tokens_of(text) if isinstance(text, str) else list(text)
        answer = Answer(encoding(), context)
        self.steps = [answer.open()]
        self.stops: list[int] = []
        self.continuations: list[int] = []
        results: list[AnswerResult] = []
        begin = 0
        for size in sizes or [1] * len(tokens):
            columns = _cut(logprobs, begin, begin + size)
            given = answer.step(tokens[begin : begin + size], logprobs=columns)
            begin += size
            self._take(given, results)
        ends = [SequenceEnd(index, end) for index in range(context.choices)]
        rest = _cut(logprobs, begin, len(tokens))
        self._take(answer.step(tokens[begin:], logprobs=rest, ends=ends), results)
        (self.result,) = results
        self.frames = b"".join(self.steps)

    def _take(self, given: Any, results: list[AnswerResult]) -> None:
        self.steps.append(given.frames)
        self.stops += given.stop_choices
        self.continuations += given.continue_choices
        if given.result is not None:
            results.append(given.result)

    def deltas(self) -> list[JsonObject]:
        """Returns the deltas of a chat stream with one choice, without the first and the last."""
        chunks = read_chunks(self.frames)
        found = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
        assert found[0] == {"role": "assistant"}
        assert found[-1] == {}
        return found[1:-1]

    def events(self) -> list[JsonObject]:
        """Returns the events of a response."""
        return read_events(self.frames)


def _cut(logprobs: LogprobColumns | None, begin: int, end: int) -> LogprobColumns | None:
    if logprobs is None:
        return None
    counts = logprobs.alternatives
    first, last = sum(counts[:begin]), sum(counts[:end])
    return LogprobColumns(
        logprobs.logprobs[begin:end],
        counts[begin:end],
        logprobs.alternative_tokens[first:last],
        logprobs.alternative_logprobs[first:last],
    )


def completion(
    context: AnswerContext, text: str | Sequence[int], end: EndReason = EndReason.STOP
) -> JsonObject:
    """Returns a whole chat completion: the body, which is what its stream adds up to."""
    body = _body(context, text, end)
    check_completion(json.dumps(body))
    streamed = Streamed(context, text, end)
    assert add_up_chunks(read_chunks(streamed.frames)) == body
    return body


def message(
    context: AnswerContext, text: str | Sequence[int], end: EndReason = EndReason.STOP
) -> JsonObject:
    """Returns the message of a whole chat completion with one choice."""
    (choice,) = completion(context, text, end)["choices"]
    found: JsonObject = choice["message"]
    return found


def model_response(
    context: AnswerContext, text: str | Sequence[int], end: EndReason = EndReason.STOP
) -> JsonObject:
    """Returns a whole Response object, which is what its stream adds up to."""
    body = _body(context, text, end)
    check_response(json.dumps(body))
    streamed = Streamed(context, text, end)
    assert add_up_events(read_events(streamed.frames)) == body
    assert json.loads(streamed.result.body_json) == body
    return body


def _body(context: AnswerContext, text: str | Sequence[int], end: EndReason) -> JsonObject:
    tokens = tokens_of(text) if isinstance(text, str) else list(text)
    ends = [SequenceEnd(index, end) for index in range(context.choices)]
    result = build_answer(encoding(), context, tokens, (), ends)
    assert result.http_status == 200
    body: JsonObject = json.loads(result.body_json)
    return body
