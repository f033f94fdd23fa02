"""Frames as clients read them, and what clients add them up to."""

import json
from typing import Any

from .official import check_chunk, check_event

JsonObject = dict[str, Any]


def read_frames(frames: bytes) -> list[tuple[str | None, str]]:
    """Returns the name and the data of each server-sent event."""
    assert frames == b"" or frames.endswith(b"\n\n")
    # A client may split at every line end that Unicode knows.
    lines = frames.decode().splitlines()
    assert lines == frames.decode().split("\n")[:-1]
    events: list[tuple[str | None, str]] = []
    name: str | None = None
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line:
            assert line.startswith("data: ")
            events.append((name, line.removeprefix("data: ")))
            name = None
    return events


def read_chunks(frames: bytes) -> list[JsonObject]:
    """Returns the chunks of a whole chat stream; each is as the official package expects it."""
    events = read_frames(frames)
    assert all(name is None for name, _ in events)
    assert events[-1] == (None, "[DONE]")
    for _, data in events[:-1]:
        check_chunk(data)
    return [json.loads(data) for _, data in events[:-1]]


def read_events(frames: bytes) -> list[JsonObject]:
    """Returns the events of a response; each is as the official package expects it."""
    events: list[JsonObject] = []
    for number, (name, data) in enumerate(read_frames(frames)):
        event = json.loads(data)
        assert event["type"] == name
        assert event["sequence_number"] == number
        check_event(event["type"], data)
        events.append(event)
    return events


def add_up_chunks(chunks: list[JsonObject]) -> JsonObject:
    """Returns the body that a stream's chunks add up to, as a strict accumulator does it.

    Fails where an accumulator of a client would fail, or add up something else.
    """
    choices: list[JsonObject] = []
    usage = None
    for chunk in chunks:
        assert usage is None, "the usage is not last"
        assert list(chunk)[:5] == ["id", "object", "created", "model", "choices"]
        usage = chunk.get("usage")
        assert chunk["choices"] or usage
        for choice in chunk["choices"]:
            assert choice["index"] <= len(choices), "a choice appears out of order"
            if choice["index"] == len(choices):
                assert choice["delta"] == {"role": "assistant"}
                message = {"role": "assistant", "content": None, "refusal": None}
                choices.append({"index": len(choices), "message": message, "logprobs": None})
                choices[-1]["finish_reason"] = None
            else:
                _add_delta(choices[choice["index"]], choice)
    first = chunks[0]
    body = {name: first[name] for name in ("id", "object", "created", "model")}
    body |= {"object": "chat.completion", "choices": choices}
    if "system_fingerprint" in first:
        body["system_fingerprint"] = first["system_fingerprint"]
    return body | {"usage": usage}


def _add_delta(total: JsonObject, choice: JsonObject) -> None:
    assert total["finish_reason"] is None, "a choice goes on after its end"
    total["finish_reason"] = choice["finish_reason"]
    if choice["logprobs"] is not None:
        total["logprobs"] = total["logprobs"] or {"content": [], "refusal": None}
        total["logprobs"]["content"] += choice["logprobs"]["content"]
    delta, message = choice["delta"], total["message"]
    assert (delta == {}) == (choice["finish_reason"] is not None)
    for name, value in delta.items():
        if name in ("content", "reasoning", "reasoning_content"):
            message[name] = (message.get(name) or "") + value
        elif name == "function_call":
            _add_call(message.setdefault("function_call", {}), value)
        else:
            assert name == "tool_calls", f"unexpected {name}"
            for call in value:
                calls = message.setdefault("tool_calls", [])
                assert call["index"] <= len(calls), "a call appears out of order"
                if call["index"] == len(calls):
                    calls.append({"id": call["id"], "type": call["type"], "function": {}})
                else:
                    assert set(call) == {"index", "function"}, "an id or a type comes twice"
                _add_call(calls[call["index"]]["function"], call["function"])


def _add_call(total: JsonObject, function: JsonObject) -> None:
    assert ("name" in function) == (not total), "a name comes twice, or late"
    total.setdefault("name", function.get("name"))
    total["arguments"] = total.get("arguments", "") + function["arguments"]


def add_up_events(events: list[JsonObject]) -> JsonObject:
    """Returns the Response object that events add up to, as a strict accumulator does it."""
    created, in_progress, *others, last = events
    assert [created["type"], in_progress["type"]] == ["response.created", "response.in_progress"]
    assert created["response"] == in_progress["response"]
    assert created["response"]["output"] == []
    output: list[JsonObject] = []
    added: JsonObject | None = None
    texts: list[str] = []
    for event in others:
        assert event["output_index"] == len(output)
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert added is None, "two items are open"
            added, texts = event["item"], []
            continue
        assert added is not None
        if kind == "output_item.done":
            _check_item(added, event["item"], "".join(texts))
            output.append(event["item"])
            added = None
            continue
        assert event["item_id"] == added["id"]
        if kind.endswith(".delta"):
            texts.append(event["delta"])
        elif kind.endswith(("text.done", "input.done", "arguments.done")):
            names = {"text", "input", "arguments"} & set(event)
            assert event[names.pop()] == "".join(texts)
    assert added is None
    assert last["response"]["output"] == output
    response: JsonObject = last["response"]
    assert last["type"] == f"response.{response['status']}"
    return response


def _check_item(added: JsonObject, done: JsonObject, text: str) -> None:
    identity = ("id", "type", "call_id", "name", "namespace", "role", "phase")
    assert {name: added.get(name) for name in identity} == {n: done.get(n) for n in identity}
    if "content" in done:
        assert added["content"] == []
        assert [part["text"] for part in done["content"]] == [text]
    else:
        name = "input" if done["type"] == "custom_tool_call" else "arguments"
        assert (added[name], done[name]) == ("", text)
