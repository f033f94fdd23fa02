"""Detects that an operator, or Kubernetes, replaced files while the server runs."""

from collections.abc import Sequence
from pathlib import Path


class WatchedFiles:
    """Tells whether files have changed.

    A check costs one `stat` per file: cheap enough for every connection or RPC, so nothing has to
    watch the files in the background.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._last_seen = self._read_states()

    def changed(self) -> bool:
        """Returns whether a file has changed, appeared or gone since the last call."""
        states = self._read_states()
        changed = states != self._last_seen
        self._last_seen = states
        return changed

    def _read_states(self) -> list[tuple[int, int, int] | None]:
        return [_read_state(path) for path in self._paths]


def _read_state(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
