"""What no request should bring about, brought about in a server inside this process."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import grpc
import pytest

from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.bounds import MAX_INLINE_UNARY_BYTES
from harmony_server.operations.offloading import Offloader
from harmony_server.rpc.handlers import Handlers
from harmony_server.service.parse_stream import ParseStream
from harmony_server.service.unary import HarmonyService
from tests.support.encodings import encoding
from tests.support.failures import Failure, failure_of_error
from tests.support.limits import limits

if TYPE_CHECKING:
    from harmony_client.v1.service_pb2_grpc import HarmonyServiceAsyncStub

_INTERNAL = Failure(grpc.StatusCode.INTERNAL, "internal error", "INTERNAL", "harmony.v1")
_TIMEOUT_SECONDS = 20


def _service() -> HarmonyService:
    return HarmonyService(encoding(), limits(), render_cache_bytes=0)


def _async_stub(channel: "grpc.aio.Channel") -> "HarmonyServiceAsyncStub":
    # At run time there is one stub for both kinds of channels.
    return cast("HarmonyServiceAsyncStub", HarmonyServiceStub(channel))


def _fail(*_: object) -> bytes:
    raise KeyError("a secret of /usr/lib/harmony.py")


@contextlib.asynccontextmanager
async def _connected(handlers: Handlers) -> AsyncIterator["grpc.aio.Channel"]:
    """Serves handlers in this process and yields a channel to them."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers.generic_handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)
        handlers.close()


async def test_work_is_at_work_until_it_is_done() -> None:
    """However often its RPC is cancelled, it counts for as long as its thread is busy."""
    bounds = limits()
    offloader = Offloader(bounds)
    done = threading.Event()

    def work() -> bytes:
        done.wait(_TIMEOUT_SECONDS)
        return b""

    rpc = asyncio.create_task(offloader.do_request(work, MAX_INLINE_UNARY_BYTES + 1))
    for _ in range(3):
        await asyncio.sleep(0.05)
        rpc.cancel()
    await asyncio.sleep(0.05)
    assert bounds.large_requests.taken == 1
    done.set()
    with pytest.raises(asyncio.CancelledError):
        await rpc
    assert bounds.large_requests.taken == 0
    offloader.close()


async def _failure_of_encode(channel: "grpc.aio.Channel", deadline_seconds: float) -> Failure:
    try:
        await _async_stub(channel).Encode(service_pb2.EncodeRequest(), timeout=deadline_seconds)
    except grpc.aio.AioRpcError as error:
        return failure_of_error(error)
    raise AssertionError("the call succeeded")


async def test_an_unexpected_error_says_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw is INTERNAL, and its text stays in the server's log."""
    monkeypatch.setattr(HarmonyService, "encode", _fail)
    handlers = Handlers(limits())
    handlers.start(_service())
    async with _connected(handlers) as channel:
        assert await _failure_of_encode(channel, _TIMEOUT_SECONDS) == _INTERNAL


async def test_an_unexpected_error_ends_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stream it is the same."""
    monkeypatch.setattr(ParseStream, "answer", _fail)
    handlers = Handlers(limits())
    handlers.start(_service())
    async with _connected(handlers) as channel:
        call = _async_stub(channel).Parse(iter([parse_pb2.ParseRequest()]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [response async for response in call]
        assert failure_of_error(caught.value) == _INTERNAL


async def test_a_request_waits_until_the_server_has_started() -> None:
    """A request that comes too early waits within its deadline, and is served when it can be."""
    handlers = Handlers(limits())
    async with _connected(handlers) as channel:
        early = await _failure_of_encode(channel, 0.2)
        assert early.code is grpc.StatusCode.DEADLINE_EXCEEDED
        call = _async_stub(channel).Encode(
            service_pb2.EncodeRequest(text="Hello"), timeout=_TIMEOUT_SECONDS
        )
        handlers.start(_service())
        assert list((await call).tokens) == [13225]


async def test_an_error_ends_an_rpc_once(caplog: pytest.LogCaptureFixture) -> None:
    """The exception by which gRPC ends a handler is no error to be answered in its turn."""
    handlers = Handlers(limits())
    handlers.start(_service())
    async with _connected(handlers) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as unary:
            await _async_stub(channel).Render(service_pb2.RenderRequest(), timeout=_TIMEOUT_SECONDS)
        stream = _async_stub(channel).Parse(timeout=_TIMEOUT_SECONDS)
        await stream.write(parse_pb2.ParseRequest())
        assert await stream.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failure_of_error(unary.value).reason == "INVALID_FIELD"
    # gRPC logs what a handler raises that it does not expect, a second abort among it.
    assert [it.getMessage() for it in caplog.records if it.levelno > logging.DEBUG] == []
