"""The example server, called with OpenAI's own client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from devtools.server_process import running, running_server
from tests.support.waiting import eventually

_EXAMPLES = Path(__file__).parents[3] / "examples"
_MODEL = "gpt-oss-20b"
_QUESTION: list[Any] = [{"role": "user", "content": "Will it rain in Oslo?"}]
_PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": _PARAMETERS}}
]
_RESPONSE_TOOLS: list[Any] = [
    {"type": "function", "name": "get_weather", "parameters": _PARAMETERS}
]
_TEXT = "It rains in Oslo. Take an umbrella. ☔"


@pytest.fixture(scope="module")
def sidecar() -> Iterator[str]:
    """The address of a sidecar, with its metrics on the line after it."""
    with running_server("--openai", "--listen", "127.0.0.1:0") as (_, address):
        yield address


@pytest.fixture(scope="module")
def client(sidecar: str) -> Iterator[openai.OpenAI]:
    """OpenAI's client of the example server."""
    command = [sys.executable, str(_EXAMPLES / "openai_server.py"), sidecar]
    with running(command) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("serving http://127.0.0.1:")
        address = line.removeprefix("serving ").strip()
        with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as connected:
            yield connected


def test_it_has_fewer_than_120_lines() -> None:
    """The example stays short."""
    assert len((_EXAMPLES / "openai_server.py").read_text("utf-8").splitlines()) < 120


def test_a_chat_completion(client: openai.OpenAI) -> None:
    """Without `stream`, the body has text, reasoning and usage."""
    completion = client.chat.completions.create(model=_MODEL, messages=_QUESTION)
    (choice,) = completion.choices
    assert (choice.message.content, choice.finish_reason) == (_TEXT, "stop")
    assert choice.message.model_extra == {
        "reasoning": "The answer is short.",
        "reasoning_content": "The answer is short.",
    }
    assert completion.usage is not None
    assert completion.usage.completion_tokens > 10


def test_a_tool_loop_of_chat_completions(client: openai.OpenAI) -> None:
    """The streamed call goes back with its result, and the answer follows."""
    messages = list(_QUESTION)
    with client.chat.completions.stream(model=_MODEL, messages=messages, tools=_TOOLS) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert kinds.count("tool_calls.function.arguments.delta") > 1
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    messages += [
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Rain."},
    ]
    answered = client.chat.completions.create(model=_MODEL, messages=messages, tools=_TOOLS)
    assert answered.choices[0].message.content == _TEXT


def test_choices(client: openai.OpenAI) -> None:
    """With `n`, each choice has its text, streamed or not."""
    whole = client.chat.completions.create(model=_MODEL, messages=_QUESTION, n=3)
    assert [choice.message.content for choice in whole.choices] == [_TEXT] * 3
    with client.chat.completions.stream(model=_MODEL, messages=_QUESTION, n=2) as stream:
        streamed = stream.get_final_completion()
    assert [choice.message.content for choice in streamed.choices] == [_TEXT] * 2


def test_a_required_call(client: openai.OpenAI) -> None:
    """With `tool_choice: required`, the prompt begins the call."""
    completion = client.chat.completions.create(
        model=_MODEL, messages=_QUESTION, tools=_TOOLS, tool_choice="required"
    )
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    (call,) = calls
    assert call.type == "function"
    assert call.function.name == "get_weather"


def test_a_limit_on_tokens(client: openai.OpenAI) -> None:
    """The engine's limit is `length`."""
    completion = client.chat.completions.create(
        model=_MODEL, messages=_QUESTION, max_completion_tokens=3
    )
    assert completion.choices[0].finish_reason == "length"


def test_a_stop_string(client: openai.OpenAI) -> None:
    """The sidecar ends the content before the stop string."""
    completion = client.chat.completions.create(model=_MODEL, messages=_QUESTION, stop=[" Take"])
    assert completion.choices[0].message.content == "It rains in Oslo."


def test_a_tool_loop_of_model_responses(client: openai.OpenAI) -> None:
    """Responses stream reasoning and a call; their output goes back as input."""
    items = list(_QUESTION)
    with client.responses.stream(model=_MODEL, input=items, tools=_RESPONSE_TOOLS) as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert "response.reasoning_text.delta" in kinds
    reasoning, call = response.output
    assert (reasoning.type, call.type) == ("reasoning", "function_call")
    items += [item.model_dump(exclude_none=True) for item in response.output]
    called = items[-1]["call_id"]
    items.append({"type": "function_call_output", "call_id": called, "output": "Rain."})
    answered = client.responses.create(model=_MODEL, input=items, tools=_RESPONSE_TOOLS)
    assert answered.output_text == _TEXT


def test_a_body_at_fault(client: openai.OpenAI) -> None:
    """The client gets OpenAI's error object with the place in the body."""
    image: Any = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=_MODEL, messages=[image])
    assert caught.value.param == "messages[0].content[0].type"
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=_MODEL, input="Hi.", previous_response_id="resp_0")
    assert caught.value.param == "previous_response_id"


def test_a_client_that_goes_away_ends_the_answer() -> None:
    """When the client closes its stream, the sidecar's stream ends too."""
    arguments = ("--openai", "--listen", "127.0.0.1:0", "--max-streams", "1")
    command = [sys.executable, str(_EXAMPLES / "openai_server.py")]
    with (
        running_server(*arguments) as (_, address),
        running([*command, address]) as server,
    ):
        assert server.stdout is not None
        base = server.stdout.readline().removeprefix("serving ").strip()
        with openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client:
            stream = client.chat.completions.create(model=_MODEL, messages=_QUESTION, stream=True)
            next(iter(stream))
            stream.close()

            def answers_again() -> bool:
                # Only one stream may be open, so this fails while the first one is.
                try:
                    client.chat.completions.create(model=_MODEL, messages=_QUESTION)
                except openai.InternalServerError:
                    return False
                return True

            eventually(answers_again)


def test_the_demo() -> None:
    """The demo shows text, reasoning, a call and an error, and leaves no process behind."""
    with subprocess.Popen(
        [sys.executable, str(_EXAMPLES / "demo_openai.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # Its own session: what it leaves behind can be found.
        start_new_session=True,
    ) as process:
        output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert re.search(r"serving OpenAI's API on http://127\.0\.0\.1:\d+/v1", output)
    assert output.count("[reasoning] I| need|") == 2
    assert output.count("[call of get_weather] {") == 2
    assert output.count("[content] It| rains|") == 2
    assert "400, messages[0].content[0].type:" in output
    assert process.pid not in [_session(pid) for pid in psutil.pids()]


def _session(process: int) -> int | None:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None
