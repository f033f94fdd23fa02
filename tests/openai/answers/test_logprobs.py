"""Log probabilities: one entry for each token of content, where its last byte is sent."""

import math
from typing import Any

import pytest

from harmony_server.openai.answer_context import AnswerContext
from harmony_server.openai.answers import (
    Answer,
    AnswerInputError,
    EndReason,
    LogprobColumns,
    SequenceEnd,
    build_answer,
)
from tests.support.encodings import encoding, tokens_of

from .asking import ANALYSIS, CALL, COMMENTARY, FINAL, NEXT, Streamed, chat, response
from .official import check_completion, check_response
from .reading import JsonObject, add_up_chunks, add_up_events, read_chunks

_NONE: JsonObject = {"content": []}


def _columns(tokens: list[int], *, alternatives: int = 0) -> LogprobColumns:
    """Gives the token at offset n the log probability -n, and some alternatives."""
    count = len(tokens) * alternatives
    return LogprobColumns(
        [-float(offset) for offset in range(len(tokens))],
        [alternatives] * len(tokens),
        [offset % 200_000 for offset in range(count)],
        [-1.0] * count,
    )


def _entries(context: AnswerContext, text: str, **options: Any) -> list[JsonObject]:
    """Returns the entries of a chat stream, which are those of its body, cut anyhow."""
    tokens = tokens_of(text)
    columns = _columns(tokens, **options)
    end = [SequenceEnd(0, EndReason.STOP)]
    body = build_answer(encoding(), context, tokens, (), end, columns).body_json
    check_completion(body)
    found: list[Any] = []
    for size in (1, 3, len(tokens)):
        sizes = [size] * (len(tokens) // size)
        rest = len(tokens) - sum(sizes)
        streamed = Streamed(context, tokens, sizes=[*sizes, *[1] * rest], logprobs=columns)
        (choice,) = add_up_chunks(read_chunks(streamed.frames))["choices"]
        found.append(choice["logprobs"])
    assert found[0] == found[1] == found[2]
    return [] if found[0] is None else found[0]["content"]


def test_entries_are_those_of_content() -> None:
    """Headers, reasoning, calls and stop tokens have no entry; a preamble has."""
    text = f"{ANALYSIS}Hm.{NEXT}{COMMENTARY}So:{NEXT}{FINAL}Hi there{NEXT}{CALL}{{}}<|call|>"
    entries = _entries(chat(logprobs=True), text)
    assert [entry["token"] for entry in entries] == ["So", ":", "Hi", " there"]
    tokens = tokens_of(text)
    offsets = [-round(entry["logprob"]) for entry in entries]
    assert [encoding().decode([tokens[offset]]) for offset in offsets] == [
        "So",
        ":",
        "Hi",
        " there",
    ]


def test_an_entry_is_this() -> None:
    """An entry has the token, its bytes and its alternatives with theirs."""
    tokens = [*tokens_of(FINAL), *tokens_of("é")]
    answer = Answer(encoding(), chat(logprobs=True, include_usage=False))
    answer.open()
    answer.step(tokens[:-1], logprobs=_columns(tokens[:-1]))
    columns = LogprobColumns([-0.5], [2], [tokens[-1], 201_089], [-0.5, -math.inf])
    frames = answer.step(tokens[-1:], logprobs=columns).frames.decode()
    assert (
        '"delta":{"content":"é"},"logprobs":{"content":[{"token":"é","logprob":-0.5,'
        '"bytes":[195,169],"top_logprobs":[{"token":"é","logprob":-0.5,"bytes":[195,169]},'
        '{"token":"\ufffd","logprob":-9999.0,"bytes":null}]}],"refusal":null}'
    ) in frames


def test_a_part_of_a_character_waits_for_the_rest() -> None:
    """A token that only begins a character is in the chunk that sends the character."""
    text = f"{FINAL}a 🦄 b<|return|>"
    tokens = tokens_of(text)
    streamed = Streamed(chat(logprobs=True), text, logprobs=_columns(tokens))
    pairs = [
        (
            choice["delta"]["content"],
            [bytes(entry["bytes"]) for entry in (choice["logprobs"] or _NONE)["content"]],
        )
        for chunk in read_chunks(streamed.frames)
        for choice in chunk["choices"]
        if "content" in choice["delta"]
    ]
    assert "".join(text for text, _ in pairs) == "a 🦄 b"
    # The blank is sent before the bytes that stand in one token with it.
    for count in range(1, len(pairs) + 1):
        sent = "".join(text for text, _ in pairs[:count]).encode()
        assert sent.startswith(b"".join(part for _, data in pairs[:count] for part in data))
    assert sent == b"".join(part for _, data in pairs for part in data)
    assert max(len(data) for _, data in pairs) > 1


def test_the_bytes_are_the_text_up_to_a_stop_string() -> None:
    """A token that a stop string cuts has no entry."""
    entries = _entries(chat(logprobs=True, stop=("ere",)), f"{FINAL}Hi there<|return|>")
    assert [entry["token"] for entry in entries] == ["Hi"]
    whole = _entries(chat(logprobs=True, stop=(" there",)), f"{FINAL}Hi there<|return|>")
    assert [entry["token"] for entry in whole] == ["Hi"]


def test_text_outside_messages_has_entries_where_it_is_shown() -> None:
    """Text that becomes content in the end has its entries."""
    entries = _entries(chat(logprobs=True), "<|end|>Hello there")
    assert [entry["token"] for entry in entries] == ["Hello", " there"]
    hidden = f"<|end|>Hello there<|start|>assistant{FINAL}Hi<|return|>"
    assert [entry["token"] for entry in _entries(chat(logprobs=True), hidden)] == ["Hi"]


def test_text_without_a_message_token_has_entries() -> None:
    """Content that the parser found in a header has its entries."""
    entries = _entries(chat(logprobs=True), "<|channel|>final Hello there my friend<|return|>")
    assert "".join(entry["token"] for entry in entries).strip() == "Hello there my friend"


def test_alternatives_are_counted_out_over_steps() -> None:
    """Each token gets its own alternatives, however the columns are cut."""
    entries = _entries(chat(logprobs=True), f"{FINAL}Hi there<|return|>", alternatives=2)
    assert [len(entry["top_logprobs"]) for entry in entries] == [2, 2]
    assert entries[1]["top_logprobs"][0]["token"] == encoding().decode([8])


def test_logprobs_nobody_asked_for_are_left_out() -> None:
    """Columns without a request have no effect; a request without columns gives null."""
    text = f"{FINAL}Hi<|return|>"
    assert _entries(chat(), text) == []
    tokens = tokens_of(text)
    frames = Streamed(chat(logprobs=True), tokens).frames
    assert all(c["logprobs"] is None for k in read_chunks(frames) for c in k["choices"])


def test_the_entries_of_a_response() -> None:
    """Events have entries without bytes; the item has all of them, with their bytes."""
    text = f"{ANALYSIS}Hm.{NEXT}{FINAL}Hi there<|return|>"
    tokens = tokens_of(text)
    streamed = Streamed(response(logprobs=True), text, logprobs=_columns(tokens, alternatives=1))
    body = add_up_events(streamed.events())
    check_response(streamed.result.body_json)
    entries = body["output"][1]["content"][0]["logprobs"]
    assert [bytes(entry["bytes"]) for entry in entries] == [b"Hi", b" there"]
    deltas = [e for e in streamed.events() if e["type"] == "response.output_text.delta"]
    assert [set(delta["logprobs"][0]) for delta in deltas] == [
        {"token", "logprob", "top_logprobs"}
    ] * 2


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        (LogprobColumns([], [], [], []), "logprobs.logprobs"),
        (LogprobColumns([0.0], [], [], []), "logprobs.alternatives"),
        (LogprobColumns([0.0], [1], [], []), "logprobs.alternative_tokens"),
        (LogprobColumns([0.0], [0], [5], [0.0]), "logprobs.alternative_tokens"),
        (LogprobColumns([0.0], [1], [5], []), "logprobs.alternative_logprobs"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: LogprobColumns, field: str) -> None:
    """Columns of different lengths are an error that names one, and nothing is read."""
    answer = Answer(encoding(), chat(logprobs=True))
    with pytest.raises(AnswerInputError) as error:
        answer.step([5], logprobs=columns)
    assert error.value.field == field
    assert answer.sequences[0].offset == 0
