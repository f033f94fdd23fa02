"""Detects that an operator, or Kubernetes, replaced files while the server runs."""

import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

_MAX_BYTES = 1024 * 1024


class WatchedFiles:
    """Tells whether files have changed.

    A check costs one `stat` per file: cheap enough for every connection or RPC, so nothing has to
    watch the files in the background.

    Args:
        paths: The files.
        settle_seconds: A change counts when the files have looked the same for so long, in case
            they are still being written.
    """

    def __init__(self, paths: Sequence[str], settle_seconds: float = 0.0) -> None:
        self._paths = paths
        self._settle_seconds = settle_seconds
        self._last_reported = self._last_seen = self._read_states()
        self._seen_since = time.monotonic()

    def changed(self) -> bool:
        """Returns whether a file has changed, appeared or gone since it last returned True."""
        states = self._read_states()
        if states != self._last_seen:
            self._last_seen = states
            self._seen_since = time.monotonic()
        if states == self._last_reported:
            return False
        if time.monotonic() - self._seen_since < self._settle_seconds:
            return False
        self._last_reported = states
        return True

    def mark_seen(self) -> None:
        """Makes `changed` return False until the next change."""
        self._last_reported = self._last_seen = self._read_states()

    def _read_states(self) -> list[tuple[int, int, int] | None]:
        return [_read_state(path) for path in self._paths]


def _read_state(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def check_regular(path: str) -> None:
    """Checks that a path is a regular file, so that reading it cannot block.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is something else, such as a FIFO, or has more than 1 MiB.
    """
    _check(path, Path(path).stat())


def read_regular(path: str) -> bytes:
    """Returns the content of a regular file; errors are those of `check_regular`."""
    # Without O_NONBLOCK, opening a FIFO would wait for its other end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(descriptor))
        return file.read(_MAX_BYTES)


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path}: not a regular file")
    if status.st_size > _MAX_BYTES:
        raise ValueError(f"{path}: larger than {_MAX_BYTES} bytes")
