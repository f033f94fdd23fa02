"""What a process holds, followed over time."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

_KIB = 1024
_MIB = 1024 * 1024
# Between two looks at the memory, for its peak.
_LOOK_SECONDS = 0.005


@dataclass
class Vitals:
    """Memory, descriptors and threads of a process, each at a count of what was done.

    Attributes:
        process: The process.
        counts: How much was done at each look.
        resident: The memory at each look, bytes.
        descriptors: The open descriptors at each look.
        threads: The threads at each look.
    """

    process: psutil.Process
    counts: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def look(self, count: int) -> None:
        """Notes what the process holds after `count`."""
        self.counts.append(count)
        self.resident.append(self.process.memory_info().rss)
        self.descriptors.append(self.process.num_fds())
        self.threads.append(self.process.num_threads())

    def kib_per_thousand(self, begin: int = 0) -> float:
        """Returns the growth of the memory: the slope of the best line, from a look on."""
        slope, _ = statistics.linear_regression(self.counts[begin:], self.resident[begin:])
        return slope * 1000 / _KIB

    def growth_mib(self) -> float:
        """Returns by how much that line grows from the first look to the last."""
        slope, _ = statistics.linear_regression(self.counts, self.resident)
        return slope * (self.counts[-1] - self.counts[0]) / _MIB

    def text(self) -> str:
        """Says all of it in a line."""
        return (
            f"{self.counts[-1]:,} done; memory {self.resident[0] / _MIB:.1f} MiB at first, "
            f"{self.resident[-1] / _MIB:.1f} MiB at last, {self.kib_per_thousand():+.2f} KiB a "
            f"thousand, in the second half {self.kib_per_thousand(len(self.counts) // 2):+.2f}; "
            f"descriptors {min(self.descriptors)} to {max(self.descriptors)}, "
            f"threads {min(self.threads)} to {max(self.threads)}"
        )


class Peak:
    """The largest memory that a process had.

    Attributes:
        bytes: So far.
    """

    bytes = 0

    @property
    def mib(self) -> float:
        """The same in MiB."""
        return self.bytes / _MIB


@contextmanager
def watched_memory(process: psutil.Process) -> Iterator[Peak]:
    """Watches the memory of a process for as long as the block."""
    peak, stop = Peak(), threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK_SECONDS):
            peak.bytes = max(peak.bytes, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()
