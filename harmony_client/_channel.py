"""How both clients connect."""

from __future__ import annotations

from typing import Final

# Seconds that a call may take unless the caller says otherwise.
DEFAULT_TIMEOUT: Final = 30.0

CHANNEL_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # The server limits requests, and so its answers; the default here, 4 MiB, is about 1.3 million
    # tokens.
    ("grpc.max_receive_message_length", -1),
    # A sidecar starts beside its client and is back soon after a restart: look for it often. The
    # defaults, 1 s growing to 2 min, would miss it by as much.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # What is sent and not acknowledged for 20 s ends the connection; a silent one is probed every
    # 6 min. Every server accepts a ping in 5 min; one that gets more may hang up.
    ("grpc.keepalive_time_ms", 360_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A proxy set for the internet must not be asked for the machine itself.
    ("grpc.enable_http_proxy", 0),
)
