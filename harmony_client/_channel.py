"""Connection settings that both clients share."""

from __future__ import annotations

from typing import Final

# Seconds that a call may take unless the caller sets another limit.
DEFAULT_TIMEOUT: Final = 30.0

CHANNEL_OPTIONS: Final[tuple[tuple[str, int], ...]] = (
    # The server limits requests, and with them its responses. gRPC's own limit, 4 MiB, is about 1.3
    # million tokens.
    ("grpc.max_receive_message_length", -1),
    # A sidecar is soon back after a restart, so try often. By default gRPC waits 1 s, then longer
    # and longer, up to 2 min.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Ping a silent connection every 6 min, and drop one that acknowledges nothing for 20 s. Servers
    # may hang up on a client that pings more often than every 5 min.
    ("grpc.keepalive_time_ms", 360_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # A proxy for the internet cannot reach a server on this machine.
    ("grpc.enable_http_proxy", 0),
)
