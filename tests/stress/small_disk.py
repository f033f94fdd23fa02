"""A server that has a small disk of its own: a tmpfs that no other process sees."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devtools.server_process import serve_command
from tests.support.tools import missing, tool

# Where the server sees its disk: a folder that there is everywhere, and nothing here needs.
MOUNT: Final = "/mnt"
_LOG: Final = "log"

_SCRIPT: Final = """
mount -t tmpfs -o "$1" tmpfs /mnt || exit
[ -z "$2" ] || mount -o "remount,$2" /mnt || exit
log="$3"
shift 3
exec "$@" 2>"$log"
"""
_PAGE = 4096
_STOP_SECONDS = 30


class SmallDisk:
    """A server and its disk.

    Attributes:
        process: The server.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        # The disk as everybody else can reach it.
        self._folder = Path(f"/proc/{process.pid}/root{MOUNT}")

    @property
    def folder(self) -> Path:
        """The disk, seen from outside."""
        return self._folder

    @property
    def log(self) -> Path:
        """The log on it."""
        return self._folder / _LOG

    def fill(self) -> None:
        """Writes until nothing more goes."""
        with (self._folder / "fill").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_PAGE))
            except OSError:
                return

    def free(self) -> None:
        """Makes room again."""
        (self._folder / "fill").unlink()


@contextmanager
def small_disk(
    *arguments: str, size: str = "size=128k", read_only: bool = False, logs: bool = False
) -> Iterator[SmallDisk]:
    """Starts a server; the size of its disk is in the words of mount.

    Args:
        arguments: Those of `harmony-server serve`.
        size: What the disk holds.
        read_only: Whether nothing can be written to it.
        logs: Whether the server's log is on the disk, and not on standard error.
    """
    if os.geteuid() != 0:
        missing("root, which a disk of its own needs,")
    log = f"{MOUNT}/{_LOG}" if logs else "/dev/stderr"
    state = "ro" if read_only else ""
    command = [tool("unshare"), "--mount", "sh", "-c", _SCRIPT, "sh", size, state, log]
    command += serve_command(*arguments)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield SmallDisk(process)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
