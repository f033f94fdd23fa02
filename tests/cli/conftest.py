"""A fixture that runs command lines in this process."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from harmony_server.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs `harmony-server` with arguments and with `stdin` as standard input."""

    def run(*arguments: str, stdin: str | bytes = "") -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, prog_name="harmony-server")

    return run
