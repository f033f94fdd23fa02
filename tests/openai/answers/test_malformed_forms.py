"""The malformed outputs of recover mode: both APIs show what was meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from harmony_server.openai.answer_context import DeclaredTool, ToolKind
from harmony_server.openai.answers import EndReason
from tests.support.encodings import tokens_of

from .asking import Streamed, chat, completion, model_response, response

_PATH = Path(__file__).parents[2] / "recovery" / "cases.json"
# The answer always goes on behind `<|start|>assistant`.
_CASES = [case for case in json.loads(_PATH.read_text()) if case["role"] == "assistant"]


def _tools(case: dict[str, Any]) -> tuple[DeclaredTool, ...]:
    tools = []
    for recipient in sorted({call[0] for call in case["calls"]} | {"functions.other"}):
        namespace, _, name = recipient.rpartition(".")
        tools.append(DeclaredTool(ToolKind.FUNCTION, namespace or "functions", name, name))
    return tuple(tools)


@pytest.mark.parametrize("case", _CASES, ids=[case["text"] for case in _CASES])
def test_a_chat_completion_shows_what_was_meant(case: dict[str, Any]) -> None:
    """Reasoning, content and calls are where the case says, and no markup shows."""
    tools = _tools(case)
    tokens = tokens_of(case["text"])
    found = completion(chat(tools=tools), tokens)["choices"][0]["message"]
    calls = [
        [call["function"]["name"], call["function"]["arguments"]]
        for call in found.get("tool_calls", [])
    ]
    assert calls == [[name.rpartition(".")[2], text or "{}"] for name, text in case["calls"]]
    shown = {"reasoning": found.get("reasoning", ""), "content": found["content"] or ""}
    for kind, text in shown.items():
        assert all(meant in text for meant in case[kind])
        assert "<|" not in text
    outcome = Streamed(chat(tools=tools), tokens).result.outcomes[0]
    assert outcome.empty == (not (case["content"] or case["calls"] or shown["content"]))


@pytest.mark.parametrize("case", _CASES, ids=[case["text"] for case in _CASES])
def test_a_response_shows_what_was_meant(case: dict[str, Any]) -> None:
    """The items are of the kinds that the case says."""
    output = model_response(response(tools=_tools(case)), tokens_of(case["text"]))["output"]
    texts: dict[str, list[str]] = {"reasoning": [], "message": []}
    calls = []
    for item in output:
        if item["type"] == "function_call":
            calls.append([item["name"], item["arguments"]])
        else:
            texts[item["type"]].append(item["content"][0]["text"])
    assert calls == [[name.rpartition(".")[2], text or "{}"] for name, text in case["calls"]]
    for kind, name in (("reasoning", "reasoning"), ("content", "message")):
        for meant in case[kind]:
            assert any(meant in text for text in texts[name])
    assert not any("<|" in text for text in [*texts["reasoning"], *texts["message"]])


@pytest.mark.parametrize("case", _CASES, ids=[case["text"] for case in _CASES])
def test_every_form_may_be_cut_off(case: dict[str, Any]) -> None:
    """At the limit on tokens, any form gives an answer too."""
    completion(chat(tools=_tools(case)), tokens_of(case["text"]), EndReason.LENGTH)
    model_response(response(tools=_tools(case)), tokens_of(case["text"]), EndReason.LENGTH)
