"""The limits that settings give, and how much of each is in use."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from ..settings import Settings
from .errors import limit_exceeded
from .open_messages import OpenMessages
from .unread_responses import UnreadResponses


class Allowance:
    """Limits how many of something are open at a time. Thread-safe.

    Attributes:
        setting: The name of the setting that gives the limit.
        maximum: The limit.
        taken: How many are open.
    """

    def __init__(self, setting: str, maximum: int) -> None:
        self.setting = setting
        self.maximum = maximum
        self.taken = 0
        self._lock = threading.Lock()

    def take(self, field: str | None = None, count: int = 1) -> None:
        """Counts `count` more as open, until `give_back`.

        Args:
            field: The path that an error names, or None.
            count: How many.

        Raises:
            RequestError: LIMIT_EXCEEDED, the maximum is reached.
        """
        with self._lock:
            if self.taken + count > self.maximum:
                raise limit_exceeded(self.setting, self.maximum, field)
            self.taken += count

    def give_back(self, count: int = 1) -> None:
        """Counts `count` of them as closed."""
        with self._lock:
            self.taken -= count

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Counts one more as open during the block.

        Raises:
            RequestError: As `take`.
        """
        self.take()
        try:
            yield
        finally:
            self.give_back()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server.

    Attributes:
        request_bytes: Bytes in a request.
        request_tokens: Tokens in a request.
        header_tokens: Tokens in a message header; a request may ask for fewer.
        constraint_bytes: Bytes of a sampling constraint.
        streams: Open streams.
        health_watches: Open health watches.
        sequences: Open sequences, over all batch streams.
        text_bytes: Bytes that the tokens of a request become.
        open_messages: The memory of open messages.
        unread: The memory of responses that are not read yet.
        large_requests: Unary requests in progress that are large enough for a thread.
        stream_idle_seconds: Seconds that a stream may stay without a request; 0: no limit.
    """

    request_bytes: int
    request_tokens: int
    header_tokens: int
    constraint_bytes: int
    streams: Allowance
    health_watches: Allowance
    sequences: Allowance
    text_bytes: int
    open_messages: OpenMessages
    unread: UnreadResponses
    large_requests: Allowance
    stream_idle_seconds: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """Returns the limits that the settings give, with nothing open."""
        return cls(
            request_bytes=settings.max_request_bytes,
            request_tokens=settings.max_request_tokens,
            header_tokens=settings.max_header_tokens,
            constraint_bytes=settings.max_constraint_bytes,
            streams=Allowance("max_streams", settings.max_streams),
            health_watches=Allowance("max_health_watches", settings.max_health_watches),
            sequences=Allowance("max_sequences", settings.max_sequences),
            text_bytes=settings.max_text_bytes,
            open_messages=OpenMessages(settings),
            unread=UnreadResponses(settings),
            large_requests=Allowance(
                "max_concurrent_large_requests", settings.max_concurrent_large_requests
            ),
            stream_idle_seconds=settings.stream_idle_timeout_seconds,
        )

    def check_bytes(self, size: int) -> None:
        """Checks the size of a request, in bytes.

        Raises:
            RequestError: LIMIT_EXCEEDED, it is too large.
        """
        if size > self.request_bytes:
            raise limit_exceeded("max_request_bytes", self.request_bytes)

    def check_tokens(self, count: int, field: str) -> None:
        """Checks the number of tokens, or of other entries, in a field of a request.

        Raises:
            RequestError: LIMIT_EXCEEDED, there are too many; it names `field`.
        """
        if count > self.request_tokens:
            raise limit_exceeded("max_request_tokens", self.request_tokens, field)

    def check_text(self, size: int, field: str) -> None:
        """Checks the size of the text that the tokens in a field of a request become so far.

        Args:
            size: Its size, in characters or bytes.
            field: The path of the tokens.

        Raises:
            RequestError: LIMIT_EXCEEDED, it is too large.
        """
        if size > self.text_bytes:
            raise limit_exceeded("max_text_bytes", self.text_bytes, field)
