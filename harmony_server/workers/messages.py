"""What supervisor and worker say to each other, over a pipe.

The supervisor says `Assignment` first. The worker answers it with `Ready` or `CannotStart`, once,
and each `CollectMetrics` with its metric families. The end of the pipe, on either side, is the end
of the other process.
"""

from dataclasses import dataclass

from ..addresses import Address
from ..settings import Settings


@dataclass(frozen=True)
class Assignment:
    """The worker shall serve.

    Attributes:
        settings: What the server is like.
        addresses: Where the worker listens.
    """

    settings: Settings
    addresses: list[Address]


@dataclass(frozen=True)
class Ready:
    """The worker serves.

    Attributes:
        addresses: Where.
    """

    addresses: list[str]


@dataclass(frozen=True)
class CannotStart:
    """The worker ends before it has served.

    Attributes:
        reason: Why, for the operator.
    """

    reason: str


@dataclass(frozen=True)
class CollectMetrics:
    """The supervisor asks for the worker's metrics."""


@dataclass(frozen=True)
class Reload:
    """The worker shall read certificates and tokens again."""
