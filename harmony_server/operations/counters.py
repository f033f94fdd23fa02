"""Counts tokens, repairs and failed sequences, for the metrics."""

import threading
from collections.abc import Mapping

from ..core.events import Recovered, RecoveryReason
from .errors import SEQUENCE_REASONS, Reason


class Counters:
    """Totals since the process started. Thread-safe.

    Attributes:
        rendered_tokens: Tokens in rendered messages and conversations.
        parsed_tokens: Tokens passed to a parse.
        repairs: Repairs in recover mode, by the name of their reason.
        sequence_errors: Sequences of ParseBatch and answers of StreamAnswerBatch that failed, by
            reason. The status of an RPC does not show them.
    """

    def __init__(self) -> None:
        self.rendered_tokens = 0
        self.parsed_tokens = 0
        self.repairs = {reason.name: 0 for reason in RecoveryReason}
        self.sequence_errors = dict.fromkeys(map(str, SEQUENCE_REASONS), 0)
        self._lock = threading.Lock()

    def count_rendered(self, tokens: int) -> None:
        """Counts rendered tokens."""
        with self._lock:
            self.rendered_tokens += tokens

    def count_parsed(self, tokens: int) -> None:
        """Counts tokens passed to a parse."""
        with self._lock:
            self.parsed_tokens += tokens

    def count_repair(self, event: Recovered) -> None:
        """Counts a repair."""
        with self._lock:
            self.repairs[event.reason.name] += 1

    def count_repairs(self, repairs: Mapping[RecoveryReason, int]) -> None:
        """Counts repairs, given by their reasons."""
        with self._lock:
            for reason, count in repairs.items():
                self.repairs[reason.name] += count

    def count_sequence_error(self, reason: Reason) -> None:
        """Counts a sequence that failed.

        Args:
            reason: One of SEQUENCE_REASONS.
        """
        with self._lock:
            self.sequence_errors[reason] += 1
