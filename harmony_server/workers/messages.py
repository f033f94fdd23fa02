"""The messages between supervisor and worker, pickled over a pipe.

The supervisor first sends `Assignment`; the worker replies once, with `Ready` or `CannotStart`.
Then the supervisor may send `Reload`, which has no reply, and, after `Ready`, `CollectMetrics`,
whose reply is a list of `prometheus_client` metric families. End of file means that the other
process has ended.
"""

from dataclasses import dataclass

from ..addresses import Address
from ..settings import Settings


@dataclass(frozen=True)
class Assignment:
    """Tells the worker to start serving.

    Attributes:
        settings: The server's settings.
        addresses: The addresses to listen on, instead of those in the settings.
    """

    settings: Settings
    addresses: list[Address]


@dataclass(frozen=True)
class Ready:
    """Says that the worker serves.

    Attributes:
        addresses: The addresses it listens on, as text.
    """

    addresses: list[str]


@dataclass(frozen=True)
class CannotStart:
    """Says that the worker ends without having served.

    Attributes:
        reason: Why, for the operator.
    """

    reason: str


@dataclass(frozen=True)
class CollectMetrics:
    """Asks for the worker's metrics."""


@dataclass(frozen=True)
class Reload:
    """Tells the worker to read certificates and tokens again."""
