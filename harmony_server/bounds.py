"""Limits of the server that no setting changes; `core.bounds` has those of the core."""

from __future__ import annotations

import os
from typing import Final

# Requests

# Contents, namespaces and tools of one message. In memory each takes hundreds of times its bytes.
MAX_MESSAGE_PARTS: Final = 16_384
# Values in the JSON of one message, all schemas together. Python's garbage collector holds up every
# thread while it visits them; this many take it 10 ms.
MAX_MESSAGE_JSON_VALUES: Final = 262_144
# Sequences that fail in one ParseBatch request. Each error takes a hundred times the bytes that
# cause it, and an engine's step never has so many.
MAX_SEQUENCE_FAILURES: Final = 32_768
# Sequences of a StreamAnswerBatch stream for which late tokens are skipped without an error: more
# than an engine steps while a response is on its way.
MAX_REMEMBERED_ENDED_SEQUENCES: Final = 16_384
# Callable names, and further channels, of one parse: far more than a conversation has. Each open
# sequence keeps its own, and patterns are made of channels, which takes 20 µs for each character.
MAX_PARSE_NAMES: Final = 1024
MAX_PARSE_NAME_CHARACTERS: Final = 65_536
MAX_PARSE_CHANNELS: Final = 64
MAX_PARSE_CHANNEL_CHARACTERS: Final = 1024
# Characters kept of a client's x-request-id.
MAX_REQUEST_ID_LENGTH: Final = 128
# gRPC clients drop an error whose trailers exceed 8 KiB. A byte of the message can take three bytes
# there, and twice that again in the details.
MAX_ERROR_MESSAGE_BYTES: Final = 1000

# Sampling constraints

# Packed constraints of the latest tools. Each takes at most a quarter: the default of
# max_constraint_bytes.
CONSTRAINT_CACHE_BYTES: Final = 17 * 1024 * 1024

# Work

# Larger requests go to a thread so that they do not block the event loop; for smaller ones the hop
# costs more than the work. A byte of a unary request can mean more work than a byte of tokens.
MAX_INLINE_UNARY_BYTES: Final = 4 * 1024
MAX_INLINE_STREAM_BYTES: Final = 2 * 1024
# A step of a batch costs far less for each byte than sequences that open, close or fail: each of
# them takes as long as a hundred that go on.
MAX_INLINE_STEP_BYTES: Final = 16 * 1024
MAX_INLINE_STEP_CHANGES: Final = 256
# Characters and tokens that a small unary request may become before it goes to a thread after all.
MAX_INLINE_WORK: Final = 16 * 1024
# A content, a namespace or a tool takes as long as this many characters.
INLINE_WORK_OF_A_PART: Final = 32
# For looking up a conversation in the cache; its new messages then count as a unary request.
MAX_INLINE_CONVERSATION_BYTES: Final = 256 * 1024
# Line ends in such a conversation. A message begins with the byte of one, so these bound messages.
MAX_INLINE_CONVERSATION_LINES: Final = 8192
# Work in threads shares a budget of bytes. Smaller work needs none, so that it never waits for
# larger work.
MAX_UNBUDGETED_BYTES: Final = 64 * 1024
# The text of so few tokens is not measured before they are parsed: it has 2 MiB at most.
MAX_UNCOUNTED_TOKENS: Final = 16_384
# Protobuf packs tokens without releasing the GIL; larger runs would block the event loop.
MAX_PACKED_TOKENS_AT_ONCE: Final = 16_384
# Between these parts, the work of a caller that has gone stops.
MAX_DECODED_TOKENS_AT_ONCE: Final = 32_768
MAX_ANSWERED_TOKENS_AT_ONCE: Final = 32_768
# More threads would only wait for a core, or for the interpreter. Each works on up to
# MAX_UNBUDGETED_BYTES beside the budget.
THREADS: Final = min((os.cpu_count() or 1) + 1, 9)

# Connections

# Larger responses count as unread until their client has read them. An open call costs as much.
MAX_UNCOUNTED_RESPONSE_BYTES: Final = 16 * 1024
# How long a response waits for others to be read.
UNREAD_RESPONSE_SECONDS: Final = 10
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
