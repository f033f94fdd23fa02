"""The resources of a process, measured over time."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

_KIB = 1024
_MIB = 1024 * 1024
# The interval at which the peak of the memory is measured.
_LOOK_SECONDS = 0.005


@dataclass
class Vitals:
    """Memory, descriptors and threads of a process, each measured after a number of RPCs or steps.

    Attributes:
        process: The process.
        counts: How much had been done at each measurement.
        resident: The resident memory, bytes.
        descriptors: The open descriptors.
        threads: The threads.
    """

    process: psutil.Process
    counts: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def look(self, count: int) -> None:
        """Measures the process after `count`."""
        self.counts.append(count)
        self.resident.append(self.process.memory_info().rss)
        self.descriptors.append(self.process.num_fds())
        self.threads.append(self.process.num_threads())

    def kib_per_thousand(self, begin: int = 0) -> float:
        """Returns the slope of a line fitted to the memory, from a measurement on."""
        slope, _ = statistics.linear_regression(self.counts[begin:], self.resident[begin:])
        return slope * 1000 / _KIB

    def growth_mib(self) -> float:
        """Returns the growth of a line fitted to the memory, from first to last."""
        slope, _ = statistics.linear_regression(self.counts, self.resident)
        return slope * (self.counts[-1] - self.counts[0]) / _MIB

    def text(self) -> str:
        """Returns a summary in one line."""
        return (
            f"{self.counts[-1]:,} done; memory {self.resident[0] / _MIB:.1f} MiB at first, "
            f"{self.resident[-1] / _MIB:.1f} MiB at last, {self.kib_per_thousand():+.2f} KiB a "
            f"thousand, in the second half {self.kib_per_thousand(len(self.counts) // 2):+.2f}; "
            f"descriptors {min(self.descriptors)} to {max(self.descriptors)}, "
            f"threads {min(self.threads)} to {max(self.threads)}"
        )


class Peak:
    """The peak memory of a process.

    Attributes:
        bytes: The peak so far, bytes.
    """

    bytes = 0

    @property
    def mib(self) -> float:
        """The peak so far, MiB."""
        return self.bytes / _MIB


@contextmanager
def watched_memory(process: psutil.Process) -> Iterator[Peak]:
    """Measures the peak memory of a process during the block."""
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
