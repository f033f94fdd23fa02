"""A running sidecar and its addresses."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devtools.server_process import running_server


@dataclass
class Sidecar:
    """A server that listens on TCP and on a Unix socket.

    Attributes:
        process: Its process.
        tcp: The address of its loopback port.
        unix: The address of its Unix socket.
    """

    process: subprocess.Popen[str]
    tcp: str
    unix: str


@contextmanager
def running_sidecar(folder: Path, *arguments: str) -> Iterator[Sidecar]:
    """Runs a server until the block ends, with its socket in a folder."""
    unix = f"unix://{folder / 'harmony.sock'}"
    listen = ["--listen", "127.0.0.1:0", "--listen", unix]
    with running_server("--openai", *listen, *arguments) as (process, tcp):
        yield Sidecar(process, tcp, unix)
