"""A wall clock for one process that jumps on request, as when an operator or NTP sets it.

The monotonic clock is not affected.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.tools import missing

# Where Debian installs the library for programs with threads.
_LIBRARIES: Final = ("x86_64-linux-gnu", "aarch64-linux-gnu")
_LIBRARY: Final = "faketime/libfaketimeMT.so.1"


class FakedClock:
    """The clock of processes that run with its variables.

    Attributes:
        variables: The environment variables to set.
    """

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "offset"
        self.jump(0)
        self.variables = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, hours: float) -> None:
        """Sets the clock ahead of the machine's by so many hours, or behind if negative."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{hours * 3600:+.0f}")
        new.replace(self._offset)


def _library() -> Path:
    paths = [Path("/usr/lib") / architecture / _LIBRARY for architecture in _LIBRARIES]
    return next((path for path in paths if path.exists()), None) or missing("faketime")
