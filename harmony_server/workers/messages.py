"""What supervisor and worker say to each other, over a pipe.

The worker says `Ready` once; from then on it answers each `CollectMetrics` with its metric
families. The end of the pipe, on either side, is the end of the other process.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ready:
    """The worker serves.

    Attributes:
        addresses: Where.
    """

    addresses: list[str]


@dataclass(frozen=True)
class CollectMetrics:
    """The supervisor asks for the worker's metrics."""
