"""What the service counts as it works."""

import threading

from ..core.events import Recovered, RecoveryReason
from .errors import SEQUENCE_REASONS, Reason


class Counters:
    """Totals since the process started. Requests are served by several threads.

    Attributes:
        rendered_tokens: Tokens of rendered messages and conversations.
        parsed_tokens: Tokens that parses were given.
        repairs: Repairs of recovering parses, by the name of their reason.
        sequence_errors: Errors of ParseBatch sequences, by their reason; they are no statuses.
    """

    def __init__(self) -> None:
        self.rendered_tokens = 0
        self.parsed_tokens = 0
        self.repairs = {reason.name: 0 for reason in RecoveryReason}
        self.sequence_errors = dict.fromkeys(map(str, SEQUENCE_REASONS), 0)
        self._lock = threading.Lock()

    def count_rendered(self, tokens: int) -> None:
        """Counts tokens that were rendered."""
        with self._lock:
            self.rendered_tokens += tokens

    def count_parsed(self, tokens: int) -> None:
        """Counts tokens that were given to be parsed."""
        with self._lock:
            self.parsed_tokens += tokens

    def count_repair(self, event: Recovered) -> None:
        """Counts a repair."""
        with self._lock:
            self.repairs[event.reason.name] += 1

    def count_sequence_error(self, reason: Reason) -> None:
        """Counts a sequence of a ParseBatch stream that failed."""
        with self._lock:
            self.sequence_errors[reason] += 1
