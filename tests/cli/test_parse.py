"""`harmony-server parse`."""

import json
from typing import get_args

import click
import pytest

from harmony_server.cli.parse import parse
from harmony_server.core import ParseMode

from .conftest import Run

# <|channel|>analysis<|message|>Hi<|end|>
# <|start|>assistant<|channel|>final<|message|>Hello<|return|>
COMPLETION = "200005 35644 200008 12194 200007 200006 173781 200005 17196 200008 13225 200002"
MESSAGES = {
    "messages": [
        {
            "role": "assistant",
            "name": None,
            "content": [{"type": "text", "text": "Hi"}],
            "channel": "analysis",
        },
        {
            "role": "assistant",
            "name": None,
            "content": [{"type": "text", "text": "Hello"}],
            "channel": "final",
        },
    ]
}


def test_messages_as_a_conversation(run: Run) -> None:
    """The messages are written as canonical JSON on one line."""
    result = run("parse", stdin=COMPLETION)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == MESSAGES


@pytest.mark.parametrize(
    "written",
    [
        COMPLETION.replace(" ", "\n"),
        COMPLETION.replace(" ", ","),
        f"[{COMPLETION.replace(' ', ', ')}]\n",
        f" [\n{COMPLETION.replace(' ', ' ,')}\n ] ",
    ],
    ids=["lines", "commas", "array", "spread array"],
)
def test_ways_to_write_tokens(run: Run, written: str) -> None:
    """Tokens are a JSON array, or ids separated by white space or commas."""
    assert json.loads(run("parse", stdin=written).stdout) == MESSAGES


def test_output_renders_again(run: Run) -> None:
    """The output of parse can be rendered."""
    rendered = run("render", "--for", "training", stdin=run("parse", stdin=COMPLETION).stdout)
    assert rendered.stdout == "200006 173781 200005 17196 200008 13225 200002\n"


def test_role(run: Run) -> None:
    """With --role none the tokens begin with <|start|>; otherwise --role gives the role."""
    result = run("parse", "--role", "none", stdin="200006 1428 200008 12194 200007")
    assert json.loads(result.stdout)["messages"][0]["role"] == "user"
    result = run("parse", "--role", "user", stdin="200008 12194 200007")
    assert json.loads(result.stdout)["messages"][0]["role"] == "user"


def test_the_lenient_mode(run: Run) -> None:
    """In lenient mode a stop token may end a header; in strict mode, the default, it may not."""
    result = run("parse", "--mode", "lenient", stdin="12194 200002")
    assert json.loads(result.stdout)["messages"][0]["content"] == [{"type": "text", "text": "Hi"}]
    refused = run("parse", "--mode", "strict", stdin="12194 200002")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("stdin: malformed output at the end of the stream, offset 2")
    assert run("parse", stdin="12194 200002").stderr == refused.stderr


def test_modes_are_those_of_the_core() -> None:
    """--mode accepts each mode of the core."""
    (mode,) = (parameter for parameter in parse.params if parameter.name == "mode")
    assert isinstance(mode.type, click.Choice)
    assert tuple(mode.type.choices) == get_args(ParseMode)


def test_no_tokens(run: Run) -> None:
    """Without tokens there are no messages."""
    assert run("parse", "--role", "none", stdin="[]").stdout == '{"messages": []}\n'


@pytest.mark.parametrize(
    ("arguments", "tokens", "problem"),
    [
        ([], "1 2\n x3", "line 2, column 2: tokens[2] is not a token id: 'x3'"),
        ([], "-1", "line 1, column 1: tokens[0] is not a token id: '-1'"),
        ([], "[1, 4294967296]", "line 1, column 5: tokens[1] is not a token id: '4294967296'"),
        ([], "9" * 5000, f"line 1, column 1: tokens[0] is not a token id: '{'9' * 40}…'"),
        ([], "[1, 2", "line 1, column 6: the array has no end: expected ]"),
        (
            ["--role", "none"],
            "17",
            "malformed output at token 17, offset 0, state ExpectStart: Unexpected token 17 while "
            "expecting start token 200006",
        ),
        (
            [],
            "17",
            "output cut off at offset 1, state Header: Unexpected EOS while waiting for message "
            "header to complete",
        ),
    ],
)
def test_wrong_tokens(run: Run, arguments: list[str], tokens: str, problem: str) -> None:
    """Invalid tokens and malformed output are one line that says what is wrong, and where."""
    result = run("parse", *arguments, stdin=tokens)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"stdin: {problem}\n"


def test_prefill(run: Run) -> None:
    """With --prefill the tokens continue the end of the prompt, whose text is in no message."""
    result = run("parse", "--prefill", "200005, 17196, 200008, 12194", stdin="13225 200002")
    assert json.loads(result.stdout)["messages"] == MESSAGES["messages"][1:]


@pytest.mark.parametrize(
    ("prefill", "problem"),
    [
        (
            "200008 200007 17",
            "tokens[2]: does not fit, state ExpectStart: malformed prefill: Unexpected token 17 "
            "while expecting start token 200006",
        ),
        ("1 x", "line 1, column 3: tokens[1] is not a token id: 'x'"),
    ],
)
def test_a_wrong_prefill(run: Run, prefill: str, problem: str) -> None:
    """The error names the option and the token."""
    result = run("parse", "--prefill", prefill, stdin="17")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"--prefill: {problem}\n"


def test_unknown_role(run: Run) -> None:
    """A role that does not exist is one line."""
    result = run("parse", "--role", "nobody", stdin="17")
    assert result.exit_code == 2
    assert result.stderr == (
        "harmony-server parse: Invalid value for '--role': 'nobody' is not one of 'user', "
        "'assistant', 'system', 'developer', 'tool', 'none' "
        "(see 'harmony-server parse --help')\n"
    )
