"""A wall clock for one process that jumps when it is told to; its monotonic clock runs on.

As when an operator, or NTP, sets the clock of a machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.tools import missing

# The one for programs with threads, where Debian has it.
_LIBRARIES: Final = ("x86_64-linux-gnu", "aarch64-linux-gnu")
_LIBRARY: Final = "faketime/libfaketimeMT.so.1"


class FakedClock:
    """The clock of processes that have its variables.

    Attributes:
        variables: Their environment.
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
        """Sets the clock to so many hours before or behind the machine's."""
        new = self._offset.with_suffix(".new")
        new.write_text(f"{hours * 3600:+.0f}")
        new.replace(self._offset)


def _library() -> Path:
    paths = [Path("/usr/lib") / architecture / _LIBRARY for architecture in _LIBRARIES]
    return next((path for path in paths if path.exists()), None) or missing("faketime")
