"""Files that an operator, or a secret's mount, replaces while the server runs."""

from collections.abc import Sequence
from pathlib import Path


class WatchedFiles:
    """Says whether files changed since they were last asked about.

    Asking costs a `stat` a file: cheap enough for each connection or RPC, and no task has to wait
    for changes.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._seen: object = self._state()

    def changed(self) -> bool:
        """Tells whether they changed since the last call."""
        state = self._state()
        changed = state != self._seen
        self._seen = state
        return changed

    def _state(self) -> list[tuple[int, int, int] | None]:
        return [_state(path) for path in self._paths]


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
