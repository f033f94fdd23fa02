"""Fixtures that every suite shares: a real server in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest


@contextlib.contextmanager
def running_server(
    *arguments: str, stderr: IO[bytes] | None = None
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Runs `harmony-server serve` and yields the process and its first address once it serves.

    Its log goes to `stderr`, or else where this process's does.
    """
    command = [sys.executable, "-m", "harmony_server", "serve", *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith("listening on "), f"the server printed {line!r}"
            yield process, line.removeprefix("listening on ")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def server_address() -> Iterator[str]:
    """The address of a server that all tests of the session share."""
    with running_server("--listen", "127.0.0.1:0") as (_, address):
        yield address
