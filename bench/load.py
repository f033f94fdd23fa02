"""Load on a server over loopback, with requests serialised beforehand and a time limit.

The load runs in the benchmark's process, the server under test in its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from devtools.requests import Script

from .floor_server import SERVICE_NAME as FLOOR
from .servers import ServerProcess

_HARMONY = "harmony.v1.HarmonyService"
PARSE = f"/{_HARMONY}/Parse"
PARSE_BATCH = f"/{_HARMONY}/ParseBatch"
RENDER = f"/{_HARMONY}/Render"
RENDER_CHAT_COMPLETION = "/harmony.openai.v1.OpenAIService/RenderChatCompletion"
RENDER_FOR_COMPLETION = f"/{_HARMONY}/RenderConversationForCompletion"
RENDER_CONTINUATION = f"/{_HARMONY}/RenderContinuation"
ENCODE = f"/{_HARMONY}/Encode"
FLOOR_STREAM = f"/{FLOOR}/Stream"
FLOOR_UNARY = f"/{FLOOR}/Unary"

# No load runs longer than this.
TIMEOUT_SECONDS = 120.0
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    # Otherwise all channels to an address share one connection.
    ("grpc.use_local_subchannel_pool", 1),
)

if TYPE_CHECKING:
    ByteStream = grpc.aio.StreamStreamCall[bytes, bytes]


@dataclass(frozen=True)
class Usage:
    """The server's cost of a load.

    Attributes:
        cpu_seconds: The CPU time of the server.
        messages: The number of requests it answered.
        answer_bytes: The total size of the answers.
    """

    cpu_seconds: float
    messages: int
    answer_bytes: int

    @property
    def cpu_seconds_per_message(self) -> float:
        """The CPU time for one request and its answer."""
        return self.cpu_seconds / self.messages

    @property
    def mean_answer_bytes(self) -> int:
        """The mean size of an answer, in bytes."""
        return round(self.answer_bytes / self.messages)


def channel_to(server: ServerProcess) -> grpc.aio.Channel:
    """Returns a channel with its own connection."""
    roots = server.configuration.root_certificates
    if roots is None:
        return grpc.aio.insecure_channel(server.address, options=_CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(roots)
    return grpc.aio.secure_channel(server.address, credentials, options=_CHANNEL_OPTIONS)


def stream_in_lock_step(server: ServerProcess, method: str, scripts: Sequence[Script]) -> Usage:
    """Runs all scripts at once; each stream awaits a response before it sends the next request."""
    return asyncio.run(_stream_in_lock_step(server, method, scripts))


def call_in_turn(server: ServerProcess, method: str, requests: Sequence[bytes]) -> Usage:
    """Makes unary calls, one after another."""
    return asyncio.run(_call_in_turn(server, method, requests))


def open_stream(
    channel: grpc.aio.Channel, method: str, metadata: Sequence[tuple[str, str]] = ()
) -> ByteStream:
    """Opens a stream whose requests and answers are bytes."""
    call: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)
    return call(timeout=TIMEOUT_SECONDS, metadata=tuple(metadata))


async def exchange(stream: ByteStream, requests: Sequence[bytes]) -> int:
    """Sends requests, awaiting the answer of each; returns the total size of the answers."""
    size = 0
    for request in requests:
        await stream.write(request)
        answer = await stream.read()
        if not isinstance(answer, bytes):
            raise RuntimeError(f"the stream ended: {await stream.details()}")
        size += len(answer)
    return size


async def _stream_in_lock_step(
    server: ServerProcess, method: str, scripts: Sequence[Script]
) -> Usage:
    async with channel_to(server) as channel:
        metadata = server.configuration.metadata
        streams = [open_stream(channel, method, metadata) for _ in scripts]
        pairs = list(zip(streams, scripts, strict=True))
        await asyncio.gather(*(exchange(stream, script.opening) for stream, script in pairs))
        begin = server.cpu_seconds()
        sizes = await asyncio.gather(*(exchange(stream, script.steps) for stream, script in pairs))
        used = server.cpu_seconds() - begin
        for stream in streams:
            stream.cancel()
    return Usage(used, sum(len(script.steps) for script in scripts), sum(sizes))


async def _call_in_turn(server: ServerProcess, method: str, requests: Sequence[bytes]) -> Usage:
    async with channel_to(server) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        metadata = server.configuration.metadata
        begin = server.cpu_seconds()
        size = 0
        for request in requests:
            size += len(await call(request, timeout=TIMEOUT_SECONDS, metadata=metadata))
        used = server.cpu_seconds() - begin
    return Usage(used, len(requests), size)
