"""Small and lawful requests that become large: the default limits bound their memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc
import psutil
import pytest
from google.protobuf.message import Message

from devtools.server_process import running_server
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from tests.support import frames
from tests.support.encodings import tokens_of
from tests.support.messages import with_parameters
from tests.support.operations import limits
from tests.support.streams import ASSISTANT, config, tokens

from .conftest import Report
from .mixed_load import CHANNEL_OPTIONS, SERVICE
from .vitals import Peak, watched_memory

pytestmark = pytest.mark.long

_BUDGET_MIB = 512
_LIMITS = limits()
_TIMEOUT_SECONDS = 300
# The token with the longest text, 128 blanks. After an emoji, each blank takes four bytes.
_BLANKS = 72056
_EMOJI = tokens_of("\U0001f600")
_MESSAGE = 200008
# The most such tokens whose text is within `max_text_bytes`.
_MOST = (_LIMITS.text_bytes - 16) // 128
_UNREAD_SECONDS = 3
# Windows as small as gRPC has them, so that responses pile up in the server.
_SMALL_WINDOWS = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]


@dataclass
class _Watched:
    """A server and the peak of its memory.

    Attributes:
        address: Where it listens.
        process: Its process.
        peak: The peak so far.
    """

    address: str
    process: psutil.Process
    peak: Peak


@contextlib.contextmanager
def _watched(report: Report) -> Iterator[_Watched]:
    """Runs a server with the default settings, and checks the peak of its memory at the end."""
    with running_server("--listen", "127.0.0.1:0") as (server, address):
        process = psutil.Process(server.pid)
        idle = process.memory_info().rss / 2**20
        with watched_memory(process) as peak:
            yield _Watched(address, process, peak)
        report(f"memory {idle:.0f} MiB before, at most {peak.mib:.0f} MiB")
        assert peak.mib < _BUDGET_MIB


@contextlib.asynccontextmanager
async def _channel(
    address: str, options: Sequence[tuple[str, int]] = ()
) -> AsyncIterator[grpc.aio.Channel]:
    all_options = [*CHANNEL_OPTIONS, ("grpc.max_receive_message_length", -1), *options]
    async with grpc.aio.insecure_channel(address, options=all_options) as channel:
        yield channel


async def _call_all(channel: grpc.aio.Channel, method: str, requests: list[bytes]) -> list[str]:
    """Makes all calls at once and returns the limit that each exceeds, or an empty text."""
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"{SERVICE}{method}")

    async def outcome(request: bytes) -> str:
        try:
            await call(request, timeout=_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            return str(error.details())
        return ""

    return await asyncio.gather(*map(outcome, requests))


def _parse_messages(token_ids: Sequence[int]) -> Message:
    return service_pb2.ParseMessagesRequest(
        tokens=[_MESSAGE, *token_ids], role=chat_pb2.ROLE_ASSISTANT
    )


def _decode(token_ids: Sequence[int]) -> Message:
    return service_pb2.DecodeRequest(tokens=token_ids)


def _decode_bytes(token_ids: Sequence[int]) -> Message:
    return service_pb2.DecodeRequest(tokens=token_ids, as_bytes=True)


_READERS = {"ParseMessages": _parse_messages, "Decode": _decode, "Decode, bytes": _decode_bytes}


@pytest.mark.parametrize("name", _READERS)
@pytest.mark.parametrize("begin", [(), _EMOJI], ids=["narrow", "wide"])
async def test_tokens_that_become_much_text(name: str, begin: list[int], report: Report) -> None:
    """The most text that tokens may become, in the most requests, and more than that."""
    build: Callable[[Sequence[int]], Message] = _READERS[name]
    method = name.partition(",")[0]
    largest = build([*begin, *[_BLANKS] * _MOST]).SerializeToString()
    larger = build([*begin, *[_BLANKS] * 1_000_000]).SerializeToString()
    with _watched(report) as server:
        async with _channel(server.address) as channel:
            count = _LIMITS.large_requests.maximum
            assert await _call_all(channel, method, [largest] * count) == [""] * count
            refused = await _call_all(channel, method, [larger] * count)
    assert set(refused) == {f"tokens: exceeds max_text_bytes, {_LIMITS.text_bytes}"}


def _parse_requests(token_count: int) -> list[bytes]:
    first = [_MESSAGE, *_EMOJI]
    requests = [config(ASSISTANT), tokens(first), tokens([_BLANKS] * token_count)]
    return [request.SerializeToString() for request in requests]


def _batch_requests(token_count: int) -> list[bytes]:
    opened = parse_pb2.OpenSequence(sequence_id=1, config=ASSISTANT)
    requests = [
        parse_pb2.ParseBatchRequest(open=[opened]),
        parse_pb2.ParseBatchRequest(sequence_ids=[1, 1], tokens=[_MESSAGE, _EMOJI[0]]),
        parse_pb2.ParseBatchRequest(sequence_ids=[1] * token_count, tokens=[_BLANKS] * token_count),
    ]
    return [request.SerializeToString() for request in requests]


_STREAMS = {"Parse": _parse_requests, "ParseBatch": _batch_requests}


@pytest.mark.parametrize("method", _STREAMS)
@pytest.mark.parametrize(
    ("streams", "token_count"), [(24, 262_000), (24, 48_000), (200, 5000), (1024, 100)]
)
async def test_streams_that_are_not_read(
    method: str, streams: int, token_count: int, report: Report
) -> None:
    """Streams whose clients send long texts and never read."""
    requests = _STREAMS[method](token_count)
    with _watched(report) as server:
        async with _channel(server.address, _SMALL_WINDOWS) as channel:
            open_stream: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
                f"{SERVICE}{method}"
            )
            calls = [open_stream() for _ in range(streams)]
            sending = [asyncio.create_task(_send(call, requests)) for call in calls]
            await asyncio.wait(sending, timeout=_UNREAD_SECONDS)
            await asyncio.sleep(_UNREAD_SECONDS)
            for call in calls:
                call.cancel()
            await asyncio.wait(sending)


async def _send(call: grpc.aio.StreamStreamCall[bytes, bytes], requests: list[bytes]) -> None:
    with contextlib.suppress(
        grpc.aio.AioRpcError, asyncio.CancelledError, asyncio.InvalidStateError
    ):
        for request in [*requests, *requests[-1:] * 5]:
            await call.write(request)


@pytest.mark.parametrize("count", [8, 200])
async def test_unary_responses_that_are_not_read(count: int, report: Report) -> None:
    """Unary calls whose clients never read, in the most connections that matter."""
    request = _parse_messages([*_EMOJI, *[_BLANKS] * (_MOST if count < 16 else 2000)])
    body = frames.grpc_message(request.SerializeToString())
    with _watched(report) as server, contextlib.ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(frames.connected(server.address))
            connection.sendall(
                frames.PREFACE
                + frames.settings({frames.INITIAL_WINDOW_SIZE: 0})
                + frames.open_call(1, f"{SERVICE}ParseMessages")
                + frames.data_frames(1, body[:50_000], end=len(body) <= 50_000)
            )
            if len(body) > 50_000:
                await asyncio.sleep(0.05)
                connection.sendall(frames.data_frames(1, body[50_000:]))
        await asyncio.sleep(2 * _UNREAD_SECONDS)


def _nested(examples: int, levels: int = 57) -> str:
    schema: object = {"type": "object", "properties": {"\U0001f600": {"examples": [""] * examples}}}
    for _ in range(levels):
        schema = {"oneOf": [schema]}
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


async def test_schemas_that_become_long_types(report: Report) -> None:
    """Schemas whose types are hundreds of times as long, in the most requests."""
    requests = [
        service_pb2.RenderRequest(message=with_parameters(_nested(examples)))
        for examples in (900, 5_500, 30_000, 80_000)
    ]
    with _watched(report) as server:
        async with _channel(server.address) as channel:
            for request in requests:
                refused = await _call_all(channel, "Render", [request.SerializeToString()] * 16)
                assert all("more than 1048576 characters" in text for text in refused if text)


async def test_remembered_types_are_bounded(report: Report) -> None:
    """Types that a few kilobytes become are remembered, but only so many bytes of them."""
    with _watched(report) as server:
        async with _channel(server.address) as channel:
            before = server.process.memory_info().rss
            for number in range(256):
                message = with_parameters(_nested(400 + number))
                request = service_pb2.RenderRequest(message=message).SerializeToString()
                assert await _call_all(channel, "Render", [request]) == [""]
            grown = server.process.memory_info().rss - before
    assert grown < 32 * 2**20
