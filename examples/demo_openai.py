"""Starts a sidecar and an HTTP server in front of it, and calls them with OpenAI's client.

Run it with `make demo-openai`. The completions are scripted; all else is real.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
from rich.console import Console

TOOL: Any = {
    "name": "get_weather",
    "description": "Gets the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
QUESTION = "What is the weather in Oslo?"
RAIN = '{"weather":"rain"}'

console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


@contextmanager
def running(*command: str, prefix: str) -> Iterator[str]:
    """Runs a server for the duration of the block and yields the address that it prints."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if not line.startswith(prefix):
                sys.exit(f"did not start: {' '.join(command)}")
            yield line.removeprefix(prefix).strip()
        finally:
            server.terminate()


class Shown:
    """Prints the parts of an answer as they arrive, each kind on a line of its own."""

    def __init__(self) -> None:
        self._kind = ""

    def show(self, kind: str, text: str) -> None:
        """Prints text; the bar makes the deltas visible."""
        if kind != self._kind:
            console.print(f"{chr(10) if self._kind else ''}[{kind}] ", style="bold cyan", end="")
            self._kind = kind
        console.print(f"{text}|", end="")


def show_chat(client: openai.OpenAI, messages: list[Any]) -> Any:
    """Streams a chat completion, and returns its message."""
    shown = Shown()
    with client.chat.completions.stream(
        model="gpt-oss-20b",
        messages=messages,
        tools=[{"type": "function", "function": TOOL}],
    ) as stream:
        for event in stream:
            if event.type == "chunk" and event.chunk.choices:
                # OpenAI's types lack the member in which servers of gpt-oss send reasoning.
                if reasoning := getattr(event.chunk.choices[0].delta, "reasoning", None):
                    shown.show("reasoning", reasoning)
            elif event.type == "content.delta":
                shown.show("content", event.delta)
            elif event.type == "tool_calls.function.arguments.delta" and event.arguments_delta:
                shown.show(f"call of {event.name}", event.arguments_delta)
        choice = stream.get_final_completion().choices[0]
    console.print(f"\n({choice.finish_reason})\n", style="dim")
    return choice.message


def show_response(client: openai.OpenAI, items: list[Any]) -> list[Any]:
    """Streams a model response, and returns its output."""
    shown, name = Shown(), ""
    tools: list[Any] = [{"type": "function", **TOOL}]
    with client.responses.stream(model="gpt-oss-20b", input=items, tools=tools) as stream:
        for event in stream:
            if event.type == "response.output_item.added":
                name = getattr(event.item, "name", "")
            elif event.type == "response.reasoning_text.delta":
                shown.show("reasoning", event.delta)
            elif event.type == "response.output_text.delta":
                shown.show("content", event.delta)
            elif event.type == "response.function_call_arguments.delta":
                shown.show(f"call of {name}", event.delta)
        response = stream.get_final_response()
    console.print(f"\n({response.status})\n", style="dim")
    return [item.model_dump(exclude_none=True) for item in response.output]


def main() -> None:
    """Runs the demo."""
    folder = Path(__file__).parent
    sidecar = ("-m", "harmony_server", "serve", "--openai", "--listen", "127.0.0.1:0")
    with (
        running(*sidecar, prefix="listening on ") as target,
        running(str(folder / "openai_server.py"), target, prefix="serving ") as address,
        openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client,
    ):
        console.print(f"serving OpenAI's API on {address}\n", style="dim")

        console.rule("1. POST /v1/chat/completions, with stream: text arrives in pieces (text|)")
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        message = show_chat(client, messages)
        call = message.tool_calls[0]
        console.print(f"[{call.function.name} answers] {RAIN}\n", style="yellow")
        messages += [
            message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": RAIN},
        ]
        show_chat(client, messages)

        console.rule("2. POST /v1/responses, with stream")
        items: list[Any] = [{"role": "user", "content": QUESTION}]
        items += show_response(client, items)
        console.print(f"[{items[-1]['name']} answers] {RAIN}\n", style="yellow")
        called = items[-1]["call_id"]
        items.append({"type": "function_call_output", "call_id": called, "output": RAIN})
        show_response(client, items)

        console.rule("3. An error, in OpenAI's terms")
        image: Any = {"type": "image_url", "image_url": {"url": "data:"}}
        try:
            client.chat.completions.create(
                model="gpt-oss-20b", messages=[{"role": "user", "content": [image]}]
            )
        except openai.BadRequestError as error:
            console.print(f"{error.status_code}, {error.param}: {error.message}")


if __name__ == "__main__":
    main()
