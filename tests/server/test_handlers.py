"""Handlers in a server inside this process: faults, cancelled work, requests that come early."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, cast

import grpc
import pytest

from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.bounds import MAX_INLINE_UNARY_BYTES
from harmony_server.core import HarmonyEncoding
from harmony_server.operations.offloading import Offloader
from harmony_server.operations.operations import Operations
from harmony_server.rpc.handlers import Handlers
from harmony_server.service.parse_stream import ParseStream
from tests.support.failures import Failure, failure_of_error
from tests.support.messages import conversation, user
from tests.support.operations import limits, operations

if TYPE_CHECKING:
    from harmony_client.v1.service_pb2_grpc import HarmonyServiceAsyncStub

_INTERNAL = Failure(grpc.StatusCode.INTERNAL, "internal error", "INTERNAL", "harmony.v1")
_TIMEOUT_SECONDS = 20


def _async_stub(channel: "grpc.aio.Channel") -> "HarmonyServiceAsyncStub":
    # At run time one stub serves both kinds of channels.
    return cast("HarmonyServiceAsyncStub", HarmonyServiceStub(channel))


def _fail(*_: object) -> bytes:
    raise KeyError("a secret of /usr/lib/harmony.py")


@contextlib.asynccontextmanager
async def _connected(handlers: Handlers) -> AsyncIterator["grpc.aio.Channel"]:
    """Serves the handlers in this process and yields a channel to them."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers.build_generic_handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)
        handlers.close()


async def test_work_counts_until_it_is_done() -> None:
    """Work whose RPC is cancelled counts until its thread has finished."""
    bounds = limits()
    offloader = Offloader(bounds)
    begun, done = threading.Event(), threading.Event()

    def work() -> bytes:
        begun.set()
        done.wait(_TIMEOUT_SECONDS)
        return b""

    rpc = asyncio.create_task(offloader.do_request(work, MAX_INLINE_UNARY_BYTES + 1))
    assert await asyncio.to_thread(begun.wait, _TIMEOUT_SECONDS)
    for _ in range(3):
        rpc.cancel()
        await asyncio.sleep(0.05)
    assert bounds.large_requests.taken == 1
    done.set()
    with pytest.raises(asyncio.CancelledError):
        await rpc
    assert bounds.large_requests.taken == 0
    offloader.close()


async def test_a_busy_stream_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that takes longer than the idle timeout is answered."""
    begun, done = threading.Event(), threading.Event()

    def work(_stream: ParseStream, _data: bytes) -> bytes:
        begun.set()
        done.wait(_TIMEOUT_SECONDS)
        return b""

    monkeypatch.setattr(ParseStream, "answer", work)
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        at_work = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        # Large enough for a thread.
        await at_work.write(parse_pb2.ParseRequest(tokens=parse_pb2.TokenIds(tokens=[87] * 20_000)))
        assert await asyncio.to_thread(begun.wait, _TIMEOUT_SECONDS)
        idle = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        ending = asyncio.create_task(handlers.streams.end_idle(0.01))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await idle.read()
        assert failure_of_error(caught.value).metadata["limit"] == "stream_idle_timeout_seconds"
        # The busy stream is older: if it counted as idle, it would have ended first.
        ending.cancel()
        done.set()
        assert await at_work.read() == parse_pb2.ParseResponse()


async def test_a_deadline_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the deadline passes, work in a thread stops early and no longer counts."""
    bounds = limits()
    handlers = Handlers(bounds)
    handlers.start(operations())
    begun, finished = threading.Event(), threading.Event()

    def render_in_parts(*_: object) -> Iterator[list[int]]:
        begun.set()
        end = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < end:
            time.sleep(0.001)
            yield [87]
        finished.set()

    monkeypatch.setattr(HarmonyEncoding, "render_in_parts", render_in_parts)
    request = service_pb2.RenderConversationRequest(conversation=conversation(user("word " * 2000)))
    async with _connected(handlers) as channel:
        call = _async_stub(channel).RenderConversation(request, timeout=1)
        assert await asyncio.to_thread(begun.wait, _TIMEOUT_SECONDS)
        assert bounds.large_requests.taken == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert failure_of_error(caught.value).code is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(2 * _TIMEOUT_SECONDS):
            while bounds.large_requests.taken:  # noqa: ASYNC110  # there is no event to await
                await asyncio.sleep(0.01)
    assert not finished.is_set()


async def _failure_of_encode(channel: "grpc.aio.Channel", deadline_seconds: float) -> Failure:
    try:
        await _async_stub(channel).Encode(service_pb2.EncodeRequest(), timeout=deadline_seconds)
    except grpc.aio.AioRpcError as error:
        return failure_of_error(error)
    raise AssertionError("the call succeeded")


async def test_an_unexpected_error_reveals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is INTERNAL, and its text does not reach the client."""
    monkeypatch.setattr(Operations, "encode", _fail)
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        assert await _failure_of_encode(channel, _TIMEOUT_SECONDS) == _INTERNAL


async def test_an_unexpected_error_ends_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception on a stream ends it with the same error."""
    monkeypatch.setattr(ParseStream, "answer", _fail)
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        call = _async_stub(channel).Parse(iter([parse_pb2.ParseRequest()]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [response async for response in call]
        assert failure_of_error(caught.value) == _INTERNAL


async def test_a_request_waits_until_the_server_has_started() -> None:
    """A request before start-up has finished waits, up to its deadline, and is then served."""
    handlers = Handlers(limits())
    async with _connected(handlers) as channel:
        early = await _failure_of_encode(channel, 0.2)
        assert early.code is grpc.StatusCode.DEADLINE_EXCEEDED
        call = _async_stub(channel).Encode(
            service_pb2.EncodeRequest(text="Hello"), timeout=_TIMEOUT_SECONDS
        )
        handlers.start(operations())
        assert list((await call).tokens) == [13225]


async def test_an_error_ends_an_rpc_once(caplog: pytest.LogCaptureFixture) -> None:
    """The exception with which gRPC aborts a handler does not count as a second error."""
    handlers = Handlers(limits())
    handlers.start(operations())
    async with _connected(handlers) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as unary:
            await _async_stub(channel).Render(service_pb2.RenderRequest(), timeout=_TIMEOUT_SECONDS)
        stream = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        await stream.write(parse_pb2.ParseRequest())
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failure_of_error(unary.value).reason == "INVALID_FIELD"
    # gRPC logs unexpected exceptions of a handler, such as a second abort.
    assert [
        record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG
    ] == []
