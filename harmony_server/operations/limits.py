"""What the server takes on: the bounds that settings give, and what is taken of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from ..settings import Settings
from .errors import limit_exceeded


class Allowance:
    """So many of a thing may be open at a time, counted over all threads.

    Attributes:
        setting: The name of the setting that gives the number.
        maximum: The number.
        taken: How many are open.
    """

    def __init__(self, setting: str, maximum: int) -> None:
        self.setting = setting
        self.maximum = maximum
        self.taken = 0
        self._lock = threading.Lock()

    def take(self, field: str | None = None) -> None:
        """Opens one more.

        Raises:
            RequestError: RESOURCE_EXHAUSTED, as many are open as may be; it names `field`.
        """
        with self._lock:
            if self.taken >= self.maximum:
                raise limit_exceeded(self.setting, self.maximum, field)
            self.taken += 1

    def give_back(self, count: int = 1) -> None:
        """Closes some."""
        with self._lock:
            self.taken -= count

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Has one more open; raises as `take` does."""
        self.take()
        try:
            yield
        finally:
            self.give_back()


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server.

    Attributes:
        request_bytes: The size of a request.
        request_tokens: The tokens in a request.
        header_tokens: The tokens in a header; a request may ask for fewer.
        streams: The open streams.
        health_watches: The open watches of the health.
        sequences: The open sequences of batch streams.
        large_requests: The unary requests that are work for a thread.
        stream_idle_seconds: How long a stream may be without a request; 0: as long as it likes.
    """

    request_bytes: int
    request_tokens: int
    header_tokens: int
    streams: Allowance
    health_watches: Allowance
    sequences: Allowance
    large_requests: Allowance
    stream_idle_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """Returns the bounds that the settings give, nothing taken."""
        return cls(
            request_bytes=settings.max_request_bytes,
            request_tokens=settings.max_request_tokens,
            header_tokens=settings.max_header_tokens,
            streams=Allowance("max_streams", settings.max_streams),
            health_watches=Allowance("max_health_watches", settings.max_health_watches),
            sequences=Allowance("max_sequences", settings.max_sequences),
            large_requests=Allowance(
                "max_concurrent_large_requests", settings.max_concurrent_large_requests
            ),
            stream_idle_seconds=settings.stream_idle_timeout_seconds,
        )

    def check_bytes(self, size: int) -> None:
        """Raises RequestError where a request is too large."""
        if size > self.request_bytes:
            raise limit_exceeded("max_request_bytes", self.request_bytes)

    def check_tokens(self, count: int, field: str) -> None:
        """Raises RequestError, which names `field`, where a request has too many tokens."""
        if count > self.request_tokens:
            raise limit_exceeded("max_request_tokens", self.request_tokens, field)
