"""Fixed bounds of the server: what no setting changes. The core's own are in `core.bounds`."""

from __future__ import annotations

import os
from typing import Final

# What one request may hold beside its tokens

# Contents, namespaces and tools of one message: each takes hundreds of times its bytes.
MAX_MESSAGE_PARTS: Final = 16_384
# Sequences that fail in one ParseBatch request: each error takes a hundred times the bytes that
# cause it, and no engine's step has as many.
MAX_SEQUENCE_FAILURES: Final = 32_768
# Of a client's x-request-id, characters that are kept.
MAX_REQUEST_ID_LENGTH: Final = 128
# gRPC clients drop an error whose trailers exceed 8 KiB. A byte of its message can take three
# there, and twice that again in the details.
MAX_ERROR_MESSAGE_BYTES: Final = 1000

# Where work is done

# Larger requests go to a thread, so that they do not hold up the streams of the event loop; for
# smaller ones the hop costs more than the work. A byte of a unary request can mean more work than
# a byte of tokens.
MAX_INLINE_UNARY_BYTES: Final = 4 * 1024
MAX_INLINE_STREAM_BYTES: Final = 16 * 1024
# To look up the messages of a conversation; the new ones count as a unary request.
MAX_INLINE_CONVERSATION_BYTES: Final = 256 * 1024
# Work in threads shares a budget of bytes. Up to this size it needs none, so that small work never
# waits for large.
MAX_UNBUDGETED_BYTES: Final = 64 * 1024
# More threads than cores would only wait for each other.
THREADS: Final = (os.cpu_count() or 1) + 1

# Connections

# Bytes of a stream that wait to be read: more than an engine's step. gRPC's own window grows with
# the connection's speed, on loopback to hundreds of MiB for each stream.
MAX_UNREAD_STREAM_BYTES: Final = 256 * 1024
# Calls that a connection may have open beside `max_streams`; a client waits for more. This keeps a
# client that opens and cancels calls from holding up the others.
CALLS_BESIDE_STREAMS: Final = 256
# Connections whose calls may all wait to begin. Beyond that gRPC drops some, from any client.
CONNECTIONS_WITH_WAITING_CALLS: Final = 4
# A client must finish its handshake within this time: gRPC's default, two minutes, lets silent
# clients hold connections for long.
HANDSHAKE_SECONDS: Final = 20
# A dead peer is noticed after about a minute and a half; gRPC's default is two hours.
KEEPALIVE_SECONDS: Final = 60
KEEPALIVE_TIMEOUT_SECONDS: Final = 20
# Clients may ping this often; gRPC's default, five minutes, drops clients that keep alive.
MIN_PING_INTERVAL_SECONDS: Final = 10.0
