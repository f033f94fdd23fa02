"""The time limit of a step, and the back-off between its attempts."""

from __future__ import annotations

import random
import time
from typing import Final

import grpc

from harmony_client.errors import DeadlineExceeded, Unavailable

# Seconds between attempts. The second attempt is immediate: its call waits for the server anyway.
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class Patience:
    """The time that one step has left, over all of its attempts."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        # On the clock of `time.monotonic`.
        self.deadline = time.monotonic() + timeout
        self._pause = 0.0

    @property
    def seconds_left(self) -> float:
        """The time until the deadline; negative after it."""
        return self.deadline - time.monotonic()

    def pause_after(self, error: BaseException) -> float | None:
        """Returns the seconds to wait before the next attempt; None: give up."""
        pause = self._pause * random.uniform(0.5, 1)
        if not isinstance(error, Unavailable) or self.seconds_left <= pause:
            return None
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        return pause

    def deadline_exceeded(self) -> DeadlineExceeded:
        """Returns the error for a step that missed the deadline."""
        return DeadlineExceeded(
            grpc.StatusCode.DEADLINE_EXCEEDED, f"no response within {self._timeout:g} s"
        )
