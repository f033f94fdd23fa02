"""How long a step of a stream waits and tries again."""

from __future__ import annotations

import random
import time
from typing import Final

import grpc

from harmony_client.errors import DeadlineExceeded, Unavailable

# Seconds between attempts. The first repetition comes at once: a call waits for the server anyway.
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class Patience:
    """How long one step may go on trying."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.ends = time.monotonic() + timeout
        self._pause = 0.0

    @property
    def seconds_left(self) -> float:
        """The time that is left, negative where it is over."""
        return self.ends - time.monotonic()

    def pause_after(self, error: BaseException) -> float | None:
        """Returns the seconds to wait before the next attempt; None: there is none."""
        pause = self._pause * random.uniform(0.5, 1)
        if not isinstance(error, Unavailable) or self.seconds_left <= pause:
            return None
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        return pause

    def exhausted(self) -> DeadlineExceeded:
        """Returns the error for a step that took too long."""
        return DeadlineExceeded(
            grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer within {self._timeout:g} s"
        )
