"""`parse --mode recover`: no output is refused, and each repair is a line on standard error."""

import json

import pytest

from tests.support.encodings import encode

from .conftest import Run

MALFORMED = " ".join(map(str, encode("<|channel|>final<|message|>hi<|end|>364<|end|>")))


@pytest.mark.parametrize("remote", [False, True], ids=["in-process", "through a server"])
def test_parse_recovers(run: Run, remote: bool, server_address: str) -> None:
    """The messages are on standard output, and each repair is a line on standard error."""
    target = ["--target", server_address] if remote else []
    result = run("parse", "--mode", "recover", *target, stdin=MALFORMED)
    assert result.exit_code == 0
    messages = json.loads(result.stdout)["messages"]
    assert [message["content"][0]["text"] for message in messages] == ["hi"]
    assert result.stderr.splitlines() == [
        "tokens 5 to 6: text_outside_message: '364'",
        "tokens 6 to 7: extra_stop",
    ]


@pytest.mark.parametrize("remote", [False, True], ids=["in-process", "through a server"])
def test_the_options_name_calls_and_channels(run: Run, remote: bool, server_address: str) -> None:
    """--callable-name and --channel tell names from words; each may be given several times."""
    written = "<|channel|>thoughts get_weather<|message|>{}<|call|>"
    options = [
        *("--callable-name", "get_time", "--callable-name", "get_weather"),
        *("--channel", "notes", "--channel", "thoughts"),
    ]
    target = ["--target", server_address] if remote else []
    tokens = " ".join(map(str, encode(written)))
    result = run("parse", "--mode", "recover", *options, *target, stdin=tokens)
    assert result.exit_code == 0
    (message,) = json.loads(result.stdout)["messages"]
    assert (message["channel"], message["recipient"]) == ("thoughts", "get_weather")
    without = run("parse", "--mode", "recover", *target, stdin=tokens)
    (message,) = json.loads(without.stdout)["messages"]
    assert "recipient" not in message


@pytest.mark.parametrize("mode", ["recovered", ""])
def test_an_unknown_mode(run: Run, mode: str) -> None:
    """A mode that does not exist is a usage error that names the modes."""
    result = run("parse", "--mode", mode, stdin=MALFORMED)
    assert result.exit_code == 2
    assert "is not one of 'strict', 'lenient', 'recover'" in result.stderr
