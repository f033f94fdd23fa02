"""`parse --recover`: nothing is refused, and what was put right is named on standard error."""

import json

import pytest
from click.testing import CliRunner

from harmony_server.cli import main
from tests.support.encodings import encode

MALFORMED = " ".join(map(str, encode("<|channel|>final<|message|>hi<|end|>364<|end|>")))


@pytest.mark.parametrize("remote", [False, True], ids=["in-process", "through a server"])
def test_parse_recovers(remote: bool, server_address: str) -> None:
    """The messages are on standard output, a line a repair on standard error."""
    target = ["--target", server_address] if remote else []
    result = CliRunner().invoke(main, ["parse", "--recover", *target], input=MALFORMED)
    assert result.exit_code == 0
    assert [it["content"][0]["text"] for it in json.loads(result.stdout)["messages"]] == ["hi"]
    assert result.stderr.splitlines() == [
        "tokens 5 to 6: text_outside_message: '364'",
        "tokens 6 to 7: extra_stop",
    ]


@pytest.mark.parametrize("option", ["--strict", "--no-strict"])
def test_recover_excludes_the_other_modes(option: str) -> None:
    """Two ways to treat malformed output at once are wrong usage."""
    result = CliRunner().invoke(main, ["parse", "--recover", option], input=MALFORMED)
    assert result.exit_code == 2
    assert "--recover excludes" in result.stderr
