"""Limits of the server that no setting changes; `core.bounds` has those of the core."""

from __future__ import annotations

import os
from typing import Final

# Requests

# Contents, namespaces and tools of one message. In memory each takes hundreds of times its bytes.
MAX_MESSAGE_PARTS: Final = 16_384
# Characters of the JSON of a tool's parameters or a response format: more than the models' context
# holds. Python reads JSON in one go, during which no other thread runs; this much takes 10 ms.
MAX_JSON_CHARACTERS: Final = 512 * 1024
# Sequences that fail in one ParseBatch request. Each error takes a hundred times the bytes that
# cause it, and an engine's step never has so many.
MAX_SEQUENCE_FAILURES: Final = 32_768
# Callable names, and further channels, of one parse: far more than a conversation has. Each open
# sequence keeps its own.
MAX_PARSE_NAMES: Final = 1024
MAX_PARSE_NAME_CHARACTERS: Final = 65_536
# Characters kept of a client's x-request-id.
MAX_REQUEST_ID_LENGTH: Final = 128
# gRPC clients drop an error whose trailers exceed 8 KiB. A byte of the message can take three bytes
# there, and twice that again in the details.
MAX_ERROR_MESSAGE_BYTES: Final = 1000

# Work

# Larger requests go to a thread so that they do not block the event loop; for smaller ones the hop
# costs more than the work. A byte of a unary request can mean more work than a byte of tokens.
MAX_INLINE_UNARY_BYTES: Final = 4 * 1024
MAX_INLINE_STREAM_BYTES: Final = 16 * 1024
# Characters and tokens that a small unary request may become before it goes to a thread after all.
MAX_INLINE_WORK: Final = 16 * 1024
# A content, a namespace or a tool takes as long as this many characters.
INLINE_WORK_OF_A_PART: Final = 32
# Sequences that one request may open, close or fail before it goes to a thread: each takes as long
# as a hundred that go on.
MAX_INLINE_SEQUENCE_CHANGES: Final = 256
# For looking up a conversation in the cache; its new messages then count as a unary request.
MAX_INLINE_CONVERSATION_BYTES: Final = 256 * 1024
# Line ends in such a conversation. A message begins with the byte of one, so these bound messages.
MAX_INLINE_CONVERSATION_LINES: Final = 8192
# Work in threads shares a budget of bytes. Smaller work needs none, so that it never waits for
# larger work.
MAX_UNBUDGETED_BYTES: Final = 64 * 1024
# Protobuf packs tokens without releasing the GIL; larger runs would block the event loop.
MAX_PACKED_TOKENS_AT_ONCE: Final = 16_384
# Between these parts, the work of a caller that has gone stops.
MAX_DECODED_TOKENS_AT_ONCE: Final = 32_768
# More threads would only wait for a core.
THREADS: Final = (os.cpu_count() or 1) + 1

# Connections

# Unread bytes of a stream: more than an engine's step. gRPC's own window grows with the
# connection's speed, on loopback to hundreds of MiB per stream.
MAX_UNREAD_STREAM_BYTES: Final = 256 * 1024
# Open calls on a connection in addition to `max_streams`; further calls wait in the client. This
# keeps a client that opens and cancels calls from slowing down the others.
CALLS_BESIDE_STREAMS: Final = 256
# Connections whose calls may all wait to start. Beyond that gRPC drops some, from any client.
CONNECTIONS_WITH_WAITING_CALLS: Final = 4
# A client must finish its handshake within this time. gRPC's default is two minutes, for which
# silent clients would hold connections.
HANDSHAKE_SECONDS: Final = 20
# The server notices a dead peer after about a minute and a half; gRPC's default is two hours.
KEEPALIVE_SECONDS: Final = 60
KEEPALIVE_TIMEOUT_SECONDS: Final = 20
# Clients may ping this often. gRPC's default, five minutes, drops clients that use keepalive.
MIN_PING_INTERVAL_SECONDS: Final = 10.0
