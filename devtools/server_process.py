"""Runs `harmony-server` in a child process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

_STOP_SECONDS = 30


def harmony_command(*arguments: str) -> list[str]:
    """Returns the command line `harmony-server ARGUMENTS`, for this Python environment."""
    return module_command("harmony_server", *arguments)


def serve_command(*arguments: str) -> list[str]:
    """Returns the command line `harmony-server serve ARGUMENTS`."""
    return harmony_command("serve", *arguments)


def module_command(module: str, *arguments: str) -> list[str]:
    """Returns the command line that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    stderr: IO[bytes] | IO[str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Runs a server for the duration of the block, then ends it with SIGTERM.

    Args:
        command: Its command line.
        variables: Environment variables in addition to those of this process.
        stderr: A file for its standard error; None: that of this process.

    Raises:
        subprocess.TimeoutExpired: The server did not end within 30 seconds and was killed.
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
    """Waits until a server prints its next address, and returns it.

    Raises:
        RuntimeError: The server printed something else or has ended.
    """
    return _read_line_after(process, "listening on ")


def metrics_on(process: subprocess.Popen[str]) -> str:
    """Waits until a server prints the address of its metrics, its last line, and returns it.

    Raises:
        RuntimeError: The server printed something else or has ended.
    """
    return _read_line_after(process, "metrics on ")


@contextlib.contextmanager
def running_server(
    *arguments: str, stderr: IO[bytes] | IO[str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Runs `harmony-server serve` and yields the process and its first address once it serves.

    Args:
        arguments: Arguments of `serve`.
        stderr: A file for its standard error; None: that of this process.
    """
    with running(serve_command(*arguments), stderr=stderr) as process:
        yield process, listens_on(process)


def _read_line_after(process: subprocess.Popen[str], prefix: str) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line.startswith(prefix):
        raise RuntimeError(f"{process.args!r} printed {line!r}")
    return line.removeprefix(prefix)
