"""Starts a server, renders a conversation with tools, and parses completions token by token.

Run it with `make demo`. The completions come from a file instead of a model; all else is real.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from harmony_client import (
    Client,
    ContentDelta,
    Message,
    MessageCompleted,
    MessageStarted,
    assistant,
    developer,
    function,
    system,
    tool,
    user,
)


def load(name: str) -> Any:
    """Returns the content of a JSON file in this folder."""
    return json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


TIME, FIND = "functions.get_local_time", "functions.find_trains"
CONVERSATION = [
    system(reasoning_effort="low", conversation_start_date="2026-11-22"),
    developer(
        "You plan train journeys. Ask before you book.",
        functions=[function(**description) for description in load("tools.json")],
    ),
    user("What time is it where I am?"),
    assistant("The tool knows the time.", channel="analysis"),
    assistant("{}", channel="commentary", recipient=TIME, content_type="<|constrain|>json"),
    tool(TIME, '{"time": "17:40"}'),
    assistant("It is 17:40.", channel="final"),
    user("Then find me a train from Wien Hbf to Graz after 18:00. 🚆"),
]
# Two completions: a tool call, then, after the tool's result, the final answer.
TOOL_CALL, FINAL_ANSWER = load("completions.json")
TRAINS = '[{"connection": "RJ 559", "departs": "18:25", "arrives": "21:01"}]'
SECONDS_PER_TOKEN = 0.01
MAX_LINES = 30  # of one message

console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


@contextmanager
def running_server() -> Iterator[str]:
    """Runs a server for the duration of the block and yields its address."""
    command = [sys.executable, "-m", "harmony_server", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if not line.startswith("listening on "):
                sys.exit("the server did not start")
            yield line.removeprefix("listening on ").strip()
        finally:
            server.terminate()


def sampled(tokens: list[int]) -> Iterator[int]:
    """Yields tokens at the speed of a model."""
    for token in tokens:
        time.sleep(SECONDS_PER_TOKEN)
        yield token


def show_prompt(text: str) -> None:
    """Prints a prompt, with special tokens in colour and long messages truncated."""
    for message in text.split("<|start|>")[1:]:
        lines = f"<|start|>{message}".splitlines()
        shown = Text("\n".join(lines[:MAX_LINES]))
        shown.highlight_regex(r"<\|\w+\|>", "bold magenta")
        console.print(shown)
        if len(lines) > MAX_LINES:
            console.print(f"    ... {len(lines) - MAX_LINES} more lines", style="dim")


def show_stream(client: Client, tokens: list[int]) -> list[Message]:
    """Prints a completion's events as they arrive, and returns its messages."""
    messages = []
    for event in client.parse(sampled(tokens), "assistant"):
        match event:
            case MessageStarted():
                names = filter(None, (event.channel, event.recipient))
                console.print(f"[{' to '.join(names)}] ", style="bold cyan", end="")
            case ContentDelta():
                # The bar makes the deltas visible.
                console.print(Text.assemble(event.text, ("|", "dim")), end="")
            case MessageCompleted():
                console.print()
                messages.append(event.message)
    return messages


def show_message(message: Message) -> None:
    """Prints the fields of a parsed message."""
    fields = [(name, getattr(message, name)) for name in ("channel", "recipient", "content_type")]
    line = "  ".join(f"{name}: {value}" for name, value in fields if value)
    console.print(line, style="bold cyan")
    console.print(f"    {message.content[0].text.text}\n")


def main() -> None:
    """Runs the demo."""
    with running_server() as address, Client(address) as client:
        version = client.get_encoding().server_version
        console.print(f"harmony-server {version} listens on {address}\n", style="dim")

        tokens = client.render_conversation_for_completion(CONVERSATION)
        console.rule(f"1. Render: {len(CONVERSATION)} messages become {len(tokens)} tokens")
        show_prompt(client.decode(tokens))
        console.print("(no analysis: the turn it belongs to is answered)", style="dim")
        console.print(f"\nTokens: {tokens[:9]} ... {tokens[-9:]}\n", style="green")

        console.rule("2. Stream: each sampled token goes to Parse, its text comes back (text|)")
        parsed = show_stream(client, client.encode(TOOL_CALL, allowed_special="all"))
        answered = [*CONVERSATION, *parsed, tool(FIND, TRAINS)]
        console.print(f"[{FIND} answers] {TRAINS}", style="yellow")
        tokens = client.render_conversation_for_completion(answered)
        console.print(f"(rendered again with the answer: {len(tokens)} tokens)", style="dim")
        parsed += show_stream(client, client.encode(FINAL_ANSWER, allowed_special="all"))
        console.print()

        console.rule(f"3. Parsed: {len(parsed)} messages")
        for message in parsed:
            show_message(message)


if __name__ == "__main__":
    main()
