"""`harmony-server` as a process of its own: its command, and a server that runs for a block."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

_STOP_SECONDS = 30


def harmony_command(*arguments: str) -> list[str]:
    """Returns the command `harmony-server` of this environment with arguments."""
    return module_command("harmony_server", *arguments)


def serve_command(*arguments: str) -> list[str]:
    """Returns the command `harmony-server serve` with arguments."""
    return harmony_command("serve", *arguments)


def module_command(module: str, *arguments: str) -> list[str]:
    """Returns the command that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    stderr: IO[bytes] | IO[str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Runs a server's command for as long as the block, and ends it with SIGTERM.

    Args:
        command: The command; it prints where it listens, see `listens_on`.
        variables: Environment variables in addition to those of this process.
        stderr: The file that gets its log; None: it goes where the log of this process goes.

    Raises:
        subprocess.TimeoutExpired: The server did not end within 30 seconds, and was killed.
    """
    environment = {**os.environ, **(variables or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def listens_on(process: subprocess.Popen[str]) -> str:
    """Waits until a server prints its next address, and returns that.

    Raises:
        RuntimeError: It prints something else, or ended.
    """
    return _announced(process, "listening on ")


def metrics_on(process: subprocess.Popen[str]) -> str:
    """Waits until a server prints the address of its metrics, its last line, and returns that.

    Raises:
        RuntimeError: It prints something else, or ended.
    """
    return _announced(process, "metrics on ")


@contextlib.contextmanager
def running_server(
    *arguments: str, stderr: IO[bytes] | IO[str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Runs `harmony-server serve` and yields the process and its first address once it serves.

    Its log goes to `stderr`, or else where the log of this process goes.
    """
    with running(serve_command(*arguments), stderr=stderr) as process:
        yield process, listens_on(process)


def _announced(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line.startswith(words):
        raise RuntimeError(f"{process.args!r} printed {line!r}")
    return line.removeprefix(words)
