"""A server with its own small disk: a tmpfs that no other process mounts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devtools.server_process import serve_command
from tests.support.tools import missing, tool

# The mount point in the server: it exists everywhere, and nothing else here uses it.
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
        # The path of the disk for other processes.
        self._folder = Path(f"/proc/{process.pid}/root{MOUNT}")

    @property
    def folder(self) -> Path:
        """The disk's path for other processes."""
        return self._folder

    @property
    def log(self) -> Path:
        """The log on the disk."""
        return self._folder / _LOG

    def fill(self) -> None:
        """Writes until the disk is full."""
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
    """Starts a server with its own disk.

    Args:
        arguments: Arguments of `harmony-server serve`.
        size: The size of the disk, as an option of `mount -t tmpfs`.
        read_only: Whether the disk is mounted read-only.
        logs: Whether the log goes to the disk instead of standard error.
    """
    if os.geteuid() != 0:
        missing("root, which mounting a disk needs,")
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
