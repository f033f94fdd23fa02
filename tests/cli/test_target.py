"""The commands through a server: the same output as in this process."""

import json
from pathlib import Path

import pytest

from .conftest import Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "conversation.json"
# A conversion could lose these: nulls, a namespace under another key, JSON of all kinds.
UNUSUAL = json.dumps(
    {
        "messages": [
            {
                "role": "system",
                "name": "platform",
                "content": [
                    {
                        "type": "system_content",
                        "model_identity": None,
                        "reasoning_effort": "High",
                        "knowledge_cutoff": None,
                        "channel_config": {"valid_channels": ["final"], "channel_required": False},
                        "tools": {
                            "b": {"name": "b", "description": "Two\nlines", "tools": []},
                            "a": {
                                "name": "z",
                                "tools": [
                                    {
                                        "name": "f",
                                        "description": "d",
                                        "parameters": {
                                            "type": "object",
                                            "properties": {
                                                "y": {"type": "number", "default": 1.0},
                                                "x": {"type": "number", "default": 10**20},
                                                "w": {"default": {"b": [None, "ü"], "a": 1}},
                                            },
                                        },
                                    },
                                    {"name": "g", "description": "", "parameters": {}},
                                ],
                            },
                        },
                    },
                    {"type": "system_content", "reasoning_effort": None, "channel_config": None},
                ],
            },
            {"role": "developer", "content": [{"type": "developer_content", "tools": {}}]},
            {"role": "user", "name": "", "content": [], "recipient": "all"},
            {"role": "assistant", "content": "x", "recipient": "all", "content_type": "text"},
        ]
    }
)
COMPLETION = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"


@pytest.mark.parametrize("purpose", ["completion", "training", "conversation"])
@pytest.mark.parametrize("conversation", [EXAMPLE.read_text(), UNUSUAL], ids=["usual", "unusual"])
def test_render(run: Run, server_address: str, conversation: str, purpose: str) -> None:
    """A server renders a conversation to the same tokens."""
    here = run("render", "--for", purpose, stdin=conversation)
    there = run("render", "--for", purpose, "--target", server_address, stdin=conversation)
    assert (there.exit_code, there.stderr) == (0, "")
    assert there.stdout == here.stdout


def test_render_options(run: Run, server_address: str) -> None:
    """--next-role, --keep-analysis and --analysis reach the server."""
    conversation = (
        '{"messages": [{"role": "assistant", "channel": "analysis", "content": "a"},'
        ' {"role": "assistant", "channel": "final", "content": "b"}]}'
    )
    result = run("render", "--target", server_address, "--text", stdin=conversation)
    assert result.stdout == (
        "<|start|>assistant<|channel|>final<|message|>b<|end|><|start|>assistant"
    )
    options = ["--keep-analysis", "--next-role", "user"]
    result = run("render", "--target", server_address, "--text", *options, stdin=conversation)
    assert result.stdout == (
        "<|start|>assistant<|channel|>analysis<|message|>a<|end|>"
        "<|start|>assistant<|channel|>final<|message|>b<|end|><|start|>user"
    )
    options = ["--analysis", "current-turn", "--next-role", "user"]
    again = run("render", "--target", server_address, "--text", *options, stdin=conversation)
    assert again.stdout == result.stdout


@pytest.mark.parametrize("command", ["parse", "inspect", "decode"])
def test_tokens(run: Run, server_address: str, command: str) -> None:
    """With a server, tokens give the same output."""
    tokens = run("encode", "--special", "--target", server_address, COMPLETION).stdout
    assert tokens == run("encode", "--special", COMPLETION).stdout
    there = run(command, "--target", server_address, stdin=tokens)
    assert (there.exit_code, there.stderr) == (0, "")
    assert there.stdout == run(command, stdin=tokens).stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["parse", "--role", "none"], "17"),
        (["parse"], "17"),
        (["parse", "--prefill", "200008 200007 17"], "17"),
        (["decode"], "17 999999"),
        (["decode", "--strict"], "61138"),
        (["encode"], "<|start|>"),
        (["render"], '{"messages": [{"role": "tool", "content": "x"}]}'),
        (["render"], '{"messages": [{"role": "user", "content": [{"type": "system_content"}]}]}'),
    ],
)
def test_wrong_input(run: Run, server_address: str, arguments: list[str], text: str) -> None:
    """The error for invalid input is the same, whether this process or the server finds it."""
    here = run(*arguments, stdin=text)
    there = run(*arguments, "--target", server_address, stdin=text)
    assert (there.exit_code, there.stdout, there.stderr) == (2, "", here.stderr)


def test_parse_options(run: Run, server_address: str) -> None:
    """The role, the mode and the prefill reach the server."""
    arguments = ["parse", "--target", server_address]
    result = run(*arguments, "--mode", "lenient", "--role", "user", stdin="12194 200002")
    assert '"role": "user"' in result.stdout
    result = run(*arguments, "--role", "none", stdin="200006 1428 200008 12194 200007")
    assert '"role": "user"' in result.stdout
    result = run(*arguments, "--prefill", "200005 17196 200008", stdin="12194 200007")
    assert '"channel": "final"' in result.stdout


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:///nowhere.sock"])
def test_no_server(run: Run, address: str) -> None:
    """If no server answers, the command says so in one line, at once."""
    result = run("encode", "--target", address, "x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{address}: no server answers: ")
    assert result.stderr.count("\n") == 1
