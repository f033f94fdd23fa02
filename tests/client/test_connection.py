"""Deadlines, waiting, metadata and lifetime of both clients."""

from __future__ import annotations

import asyncio
import inspect
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from harmony_client import (
    AsyncBatch,
    AsyncClient,
    AsyncParseStream,
    Batch,
    Cancelled,
    Client,
    DeadlineExceeded,
    ParseStream,
    Unavailable,
    user,
)
from harmony_client.v1 import service_pb2

from .recording_server import RecordingServer

Connect = Callable[..., Client]


@pytest.fixture
def socket_path() -> Iterator[str]:
    """The address of a Unix socket that does not exist yet, short enough for the system."""
    with tempfile.TemporaryDirectory() as directory:
        yield f"unix://{directory}/harmony.sock"


def test_every_call_has_a_deadline(recorder: RecordingServer, connect: Connect) -> None:
    """Thirty seconds, unless the client or the call sets another."""
    connect(recorder.address).get_encoding()
    client = connect(recorder.address, timeout=700)
    client.get_encoding()
    client.get_encoding(timeout=300)
    for call, seconds in zip(recorder.calls, (30, 700, 300), strict=True):
        # gRPC rounds up by at most a hundredth; some time passes on the way.
        assert seconds - 15 < call.seconds_left < seconds * 1.02


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_deadline_exceeded(recorder: RecordingServer, connect: Connect, timeout: float) -> None:
    """A slow server does not block the caller; a timeout of zero is not taken for unset."""
    release = threading.Event()

    def hang(*_: object) -> service_pb2.GetEncodingResponse:
        release.wait(60)
        return service_pb2.GetEncodingResponse()

    recorder.answers["GetEncoding"] = hang
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        connect(recorder.address).get_encoding(timeout=timeout)
    release.set()
    assert time.monotonic() - began < 20


def test_waits_for_a_server_that_starts_later(
    recording_server: RecordingServer, connect: Connect, socket_path: str
) -> None:
    """A call made before the socket exists succeeds soon after the server starts."""
    delay = 1.5
    timer = threading.Timer(delay, recording_server.start, [socket_path])
    timer.start()
    began = time.monotonic()
    connect(socket_path, timeout=60).get_encoding()
    timer.join()
    assert delay < time.monotonic() - began < delay + 15


def test_waiting_ends_with_the_deadline(connect: Connect, socket_path: str) -> None:
    """Without any server, the call misses its deadline."""
    with pytest.raises(DeadlineExceeded):
        connect(socket_path, timeout=0.3).get_encoding()


def test_without_waiting_a_missing_server_is_unavailable(
    connect: Connect, socket_path: str
) -> None:
    """A client that does not wait fails at once."""
    with pytest.raises(Unavailable):
        connect(socket_path, wait_for_ready=False).get_encoding()


def test_unix_socket(recording_server: RecordingServer, connect: Connect, socket_path: str) -> None:
    """`unix:///path` is an address."""
    recording_server.start(socket_path)
    connect(socket_path).render(user("Hi"))
    assert recording_server.calls


def test_survives_a_restart_of_the_server(connect: Connect, socket_path: str) -> None:
    """The next call finds the new server."""
    client = connect(socket_path)
    for _ in range(2):
        server = RecordingServer()
        server.start(socket_path)
        client.get_encoding()
        server.stop()
        assert len(server.calls) == 1


def test_metadata(recorder: RecordingServer, connect: Connect) -> None:
    """Metadata goes with every call; values of keys that end in -bin are bytes."""
    client = connect(recorder.address, metadata=[("authorization", "Bearer x"), ("a-bin", b"\xff")])
    client.get_encoding()
    client.render(user("Hi"))
    for call in recorder.calls:
        assert call.metadata["authorization"] == "Bearer x"
        assert call.metadata["a-bin"] == b"\xff"


def test_credentials_encrypt(connect: Connect, recorder: RecordingServer) -> None:
    """A client with credentials does not speak plain text to a server without."""
    client = connect(
        recorder.address, credentials=grpc.ssl_channel_credentials(), wait_for_ready=False
    )
    with pytest.raises(Unavailable):
        client.get_encoding()


def test_an_internet_proxy_is_not_asked(
    recorder: RecordingServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client ignores a proxy that the environment sets."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    connect(recorder.address, timeout=20).get_encoding()
    assert recorder.calls


def test_client_closes(recorder: RecordingServer) -> None:
    """Leaving the context cancels a call in progress in another thread."""
    entered, release = threading.Event(), threading.Event()

    def hang(*_: object) -> service_pb2.GetEncodingResponse:
        entered.set()
        release.wait(60)
        return service_pb2.GetEncodingResponse()

    recorder.answers["GetEncoding"] = hang
    caught: list[BaseException] = []

    def call() -> None:
        try:
            client.get_encoding()
        except Cancelled as error:
            caught.append(error)

    with Client(recorder.address) as client:
        thread = threading.Thread(target=call)
        thread.start()
        assert entered.wait(30)
    thread.join(30)
    release.set()
    assert len(caught) == 1


def test_async_client_closes(recorder: RecordingServer) -> None:
    """The asyncio client is a context manager too, and runs calls concurrently."""
    together = threading.Barrier(4)

    def answer(*_: object) -> service_pb2.RenderResponse:
        together.wait(30)
        return service_pb2.RenderResponse()

    recorder.answers["Render"] = answer

    async def scenario() -> None:
        async with AsyncClient(recorder.address) as client:
            await asyncio.gather(*(client.render(user(str(i))) for i in range(together.parties)))

    asyncio.run(scenario())
    assert len(recorder.calls) == together.parties


def test_a_cancelled_task_cancels_its_call(recorder: RecordingServer) -> None:
    """The server learns that the call was cancelled."""
    entered, ended = threading.Event(), threading.Event()

    def hang(_: object, context: grpc.ServicerContext) -> service_pb2.GetEncodingResponse:
        context.add_callback(ended.set)
        entered.set()
        ended.wait(60)
        return service_pb2.GetEncodingResponse()

    recorder.answers["GetEncoding"] = hang

    async def scenario() -> None:
        async with AsyncClient(recorder.address) as client:
            task = asyncio.create_task(client.get_encoding())
            await asyncio.to_thread(entered.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(ended.wait, 30)

    asyncio.run(scenario())


def test_async_client_needs_a_loop() -> None:
    """Outside a running loop it fails at once instead of hanging later."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        AsyncClient("127.0.0.1:1")


def test_both_clients_have_the_same_methods() -> None:
    """Names, parameters and defaults are equal; so are those of their streams."""

    def signatures(cls: type) -> dict[str, list[inspect.Parameter]]:
        return {
            # AsyncClient also takes asynchronous iterables of tokens.
            name: [
                parameter.replace(annotation=inspect.Parameter.empty)
                if parameter.name == "tokens"
                else parameter
                for parameter in inspect.signature(member).parameters.values()
            ]
            for name, member in inspect.getmembers(cls, inspect.isfunction)
            if not name.startswith("_") or (name == "__init__" and cls in (Client, AsyncClient))
        }

    assert signatures(Client) == signatures(AsyncClient)
    assert signatures(ParseStream) == signatures(AsyncParseStream)
    assert signatures(Batch) == signatures(AsyncBatch)


def test_typed() -> None:
    """Type checkers may rely on the package's annotations."""
    package = Path(inspect.getfile(Client)).parent
    assert (package / "py.typed").is_file()
