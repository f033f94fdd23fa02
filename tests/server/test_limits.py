"""Every limit, on servers that set it low: the error names it, and released slots are reusable."""

import concurrent.futures
import contextlib
import pathlib
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2

from devtools.server_process import running_server
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support import frames
from tests.support.failures import Failure, failure_of, failure_of_error, failure_of_status
from tests.support.messages import user
from tests.support.standard_services import SERVING, health, reflect, watched_health
from tests.support.streams import ASSISTANT, LockStep, config, tokens

_Parse = LockStep[parse_pb2.ParseRequest, parse_pb2.ParseResponse]
_Batch = LockStep[parse_pb2.ParseBatchRequest, parse_pb2.ParseBatchResponse]
_TIMEOUT_SECONDS = 30
_FULL = ("--listen", "127.0.0.1:0", "--max-streams", "1", "--max-concurrent-large-requests", "1")


@contextlib.contextmanager
def _limited(**limits: float) -> Iterator[HarmonyServiceStub]:
    arguments = [
        word for name, value in limits.items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    with (
        running_server("--listen", "127.0.0.1:0", *map(str, arguments)) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        yield HarmonyServiceStub(channel)


def _exceeded(limit: str, maximum: object, field: str = "") -> Failure:
    return Failure(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        f"{field}: exceeds {limit}, {maximum}" if field else f"{limit} is exceeded: {maximum}",
        "LIMIT_EXCEEDED",
        "harmony.v1",
        {"limit": limit, "maximum": str(maximum)},
        (field,) if field else (),
    )


def _open(*sequence_ids: int) -> parse_pb2.ParseBatchRequest:
    opened = [
        parse_pb2.OpenSequence(sequence_id=sequence_id, config=ASSISTANT)
        for sequence_id in sequence_ids
    ]
    return parse_pb2.ParseBatchRequest(open=opened)


def _until_served(call: Callable[[], object]) -> None:
    """Retries until it succeeds: the server releases an abandoned stream a moment later."""
    end = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        try:
            call()
        except grpc.RpcError as error:
            assert failure_of_error(error).reason == "LIMIT_EXCEEDED"  # noqa: PT017
            assert time.monotonic() < end, "never served again"
            time.sleep(0.01)
        else:
            return


@contextlib.contextmanager
def _renders_at_work(stub: HarmonyServiceStub) -> Iterator[None]:
    """Keeps one large render in progress nearly all the time, if it is admitted."""
    large = service_pb2.RenderRequest(message=user("word " * 400_000))
    stop = threading.Event()

    def render() -> None:
        while not stop.is_set():
            with contextlib.suppress(grpc.RpcError):
                stub.Render(large, _TIMEOUT_SECONDS)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        renders = pool.submit(render)
        try:
            yield
        finally:
            stop.set()
            renders.result()


def _unless_refused(stub: HarmonyServiceStub) -> grpc.RpcError | None:
    """Renders a message that counts as large, and returns the error if it is refused."""
    try:
        stub.Render(service_pb2.RenderRequest(message=user("word " * 2000)), _TIMEOUT_SECONDS)
    except grpc.RpcError as error:
        return error
    return None


def _opened(stub: HarmonyServiceStub) -> _Parse:
    """Opens a stream once there is room for it."""
    streams: list[_Parse] = []

    def open_one() -> None:
        streams.append(_Parse(stub.Parse))
        streams[-1].ask(config(ASSISTANT))

    _until_served(open_one)
    return streams[-1]


def test_request_bytes() -> None:
    """A request over the limit is refused with its name; gRPC refuses one far over it."""
    with _limited(max_request_bytes=2000) as stub:

        def encode(size: int) -> object:
            return stub.Encode(service_pb2.EncodeRequest(text="a" * size), timeout=20)

        encode(1990)
        assert failure_of(lambda: encode(2001)) == _exceeded("max_request_bytes", 2000)
        assert failure_of(lambda: encode(5000)).code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_request_tokens() -> None:
    """Every RPC that takes tokens refuses more than the limit in one request."""
    with _limited(max_request_tokens=3) as stub:
        assert stub.Decode(service_pb2.DecodeRequest(tokens=[87] * 3)).text == "xxx"
        for call in (
            lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[87] * 4)),
            lambda: stub.ParseMessages(service_pb2.ParseMessagesRequest(tokens=[87] * 4)),
        ):
            assert failure_of(call) == _exceeded("max_request_tokens", 3, "tokens")
        parse = _Parse(stub.Parse)
        parse.ask(config(ASSISTANT))
        parse.ask(tokens([200008, 87, 87]))
        assert parse.ask_failing(tokens([87] * 4)) == _exceeded(
            "max_request_tokens", 3, "tokens.tokens"
        )
        batch = _Batch(stub.ParseBatch)
        request = parse_pb2.ParseBatchRequest(sequence_ids=[1] * 4, tokens=[87] * 4)
        assert batch.ask_failing(request) == _exceeded("max_request_tokens", 3, "tokens")


def test_prefill_tokens() -> None:
    """A prefill has at most as many tokens as a request may have; so have those of a batch step."""
    exceeded = "max_request_tokens", 3
    with _limited(max_request_tokens=3) as stub:
        long = service_pb2.ParseMessagesRequest(prefill=[200008, 87, 87, 87])
        assert failure_of(lambda: stub.ParseMessages(long)) == _exceeded(*exceeded, "prefill")
        long_config = parse_pb2.ParseConfig(role=ASSISTANT.role, prefill=[200008, 87, 87, 87])
        assert _Parse(stub.Parse).ask_failing(config(long_config)) == _exceeded(
            *exceeded, "config.prefill"
        )
        allowed = parse_pb2.ParseConfig(role=ASSISTANT.role, prefill=[200008, 87, 87])
        _Parse(stub.Parse).ask(config(allowed))
        opened = [parse_pb2.OpenSequence(sequence_id=it, config=allowed) for it in (1, 2)]
        assert _Batch(stub.ParseBatch).ask_failing(
            parse_pb2.ParseBatchRequest(open=opened)
        ) == _exceeded(*exceeded, "open[1].config.prefill")


def test_header_tokens() -> None:
    """The server's limit is a parse's default, and the most that a request may ask for."""
    with _limited(max_header_tokens=5) as stub:
        header = service_pb2.ParseMessagesRequest(tokens=[87] * 6, role=chat_pb2.ROLE_ASSISTANT)
        assert failure_of(lambda: stub.ParseMessages(header)).reason == "PARSE_FAILED"
        header.options.max_header_tokens = 6
        assert failure_of(lambda: stub.ParseMessages(header)).message == (
            "options.max_header_tokens: must be from 1 to 5"
        )


def test_streams() -> None:
    """One stream too many is refused; once another has ended in any way, there is room again."""
    with _limited(max_streams=2) as stub:
        first, second = _Parse(stub.Parse), _Batch(stub.ParseBatch)
        first.ask(config())
        second.ask(parse_pb2.ParseBatchRequest())
        assert _Parse(stub.Parse).ask_failing(config()) == _exceeded("max_streams", 2)
        # Unary calls do not count as streams.
        stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)
        first.half_close()
        second.cancel()
        third, fourth = _opened(stub), _opened(stub)
        assert third.ask_failing(config()).reason == "OUT_OF_ORDER"
        fifth = _opened(stub)
        assert _Parse(stub.Parse).ask_failing(config()) == _exceeded("max_streams", 2)
        fourth.cancel()
        fifth.cancel()


def test_reflection_counts_as_a_stream() -> None:
    """A reflection stream counts as a stream, and is refused if there are too many."""
    with (
        running_server("--listen", "127.0.0.1:0", "--max-streams", "1") as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        stream = _Parse(HarmonyServiceStub(channel).Parse)
        stream.ask(config())
        request = reflection_pb2.ServerReflectionRequest(list_services="*")
        assert failure_of(lambda: reflect(channel, request)) == _exceeded("max_streams", 1)


def test_health_watches() -> None:
    """One watch too many is refused, a check is not; a watch that has ended no longer counts."""
    with (
        running_server("--listen", "127.0.0.1:0", "--max-health-watches", "1") as (_, address),
        grpc.insecure_channel(address) as channel,
    ):

        def watch() -> None:
            with watched_health(channel) as states:
                assert next(states).status == SERVING

        with watched_health(channel) as states:
            assert next(states).status == SERVING
            assert failure_of(watch) == _exceeded("max_health_watches", 1)
            assert health(channel) == SERVING
        _until_served(watch)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "unix"])
def test_connections(listen: str, sockets: pathlib.Path) -> None:
    """One connection too many is closed at once; a waiting client gets the next free slot."""
    address = f"unix://{sockets}/harmony.sock" if listen == "unix" else listen
    arguments = ("--listen", address, "--max-connections", "2")
    # Each channel has its own connection.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 100)]
    with running_server(*arguments) as (_, bound), contextlib.ExitStack() as stack:

        def encode(channel: grpc.Channel, *, wait: bool = False) -> object:
            request = service_pb2.EncodeRequest(text="Hello")
            encode = HarmonyServiceStub(channel).Encode
            return encode(request, timeout=_TIMEOUT_SECONDS, wait_for_ready=wait)

        first = grpc.insecure_channel(bound, options)
        encode(first)
        second = stack.enter_context(grpc.insecure_channel(bound, options))
        encode(second)
        third = stack.enter_context(grpc.insecure_channel(bound, options))
        with pytest.raises(grpc.RpcError) as caught:
            encode(third)
        assert cast(grpc.Call, caught.value).code() is grpc.StatusCode.UNAVAILABLE
        encode(second)
        first.close()
        encode(third, wait=True)


def test_a_connection_has_a_bounded_number_of_calls() -> None:
    """A connection may have as many open calls as the server has streams, plus 256."""
    with running_server("--listen", "127.0.0.1:0", "--max-streams", "1") as (_, address):
        with frames.connected(address) as connection:
            connection.sendall(frames.PREFACE + frames.settings())
            size = int.from_bytes(connection.recv(9, socket.MSG_WAITALL)[:3], "big")
            settings = struct.iter_unpack(">HL", connection.recv(size, socket.MSG_WAITALL))
        assert dict(settings)[frames.MAX_CONCURRENT_STREAMS] == 1 + 256


def test_sequences_of_all_streams() -> None:
    """Sequences count over all streams, until they are closed, failed or abandoned."""
    with _limited(max_sequences=3) as stub:
        first, second = _Batch(stub.ParseBatch), _Batch(stub.ParseBatch)
        first.ask(_open(1, 2))
        response = second.ask(_open(1, 2))
        [event] = response.events
        assert event.sequence_id == 2
        assert failure_of_status(event.error) == _exceeded("max_sequences", 3, "open[1]")
        # A failed sequence makes room, then a closed one.
        first.ask(parse_pb2.ParseBatchRequest(sequence_ids=[1] * 3, tokens=[200008, 200007, 87]))
        assert not second.ask(_open(3)).events
        second.ask(parse_pb2.ParseBatchRequest(close=[3]))
        assert not second.ask(_open(4)).events
        first.cancel()
        # The server releases them a moment later.
        end = time.monotonic() + _TIMEOUT_SECONDS
        while second.ask(_open(5)).events:
            assert time.monotonic() < end, "never released"
        second.half_close()
        third = _Batch(stub.ParseBatch)
        assert not third.ask(_open(1, 2, 3)).events


def test_concurrent_large_requests() -> None:
    """Large renders over the limit are refused; small ones are served meanwhile."""
    with _limited(max_concurrent_large_requests=1, render_cache_mib=0) as stub:
        with _renders_at_work(stub):
            end = time.monotonic() + _TIMEOUT_SECONDS
            while (refused := _unless_refused(stub)) is None:
                assert time.monotonic() < end, "never refused"
            assert failure_of_error(refused) == _exceeded("max_concurrent_large_requests", 1)
            for _ in range(20):
                stub.Render(service_pb2.RenderRequest(message=user("Hi")), _TIMEOUT_SECONDS)
        # No large render is in progress any more.
        assert _unless_refused(stub) is None


def test_request_bytes_of_a_stream() -> None:
    """A stream's request over the limit ends the stream, however small the limit is."""
    with _limited(max_request_bytes=1024) as stub:
        stream = _Parse(stub.Parse)
        stream.ask(config(ASSISTANT))
        assert stream.ask_failing(tokens([200_000] * 500)) == _exceeded("max_request_bytes", 1024)


def test_the_size_of_a_rendered_conversation() -> None:
    """Small messages that expand to long texts are refused over the size limit."""
    system = chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.ROLE_SYSTEM),
        content=[
            chat_pb2.Content(
                system=chat_pb2.SystemContent(
                    builtin_tools=["BUILTIN_TOOL_BROWSER", "BUILTIN_TOOL_PYTHON"]
                )
            )
        ],
    )
    request = service_pb2.RenderConversationRequest()
    with _limited(max_request_bytes=2000) as stub:
        request.conversation.messages.append(system)
        assert len(stub.RenderConversation(request, timeout=_TIMEOUT_SECONDS).tokens) > 200
        request.conversation.messages.extend([system] * 40)
        assert request.ByteSize() < 2000
        failure = failure_of(lambda: stub.RenderConversation(request, timeout=_TIMEOUT_SECONDS))
        assert failure == _exceeded("max_request_bytes", 2000)


def test_an_unread_stream_counts_until_it_is_gone() -> None:
    """A stream that the server has ended counts until its client has read the end."""
    # Window for the empty answer to the config alone.
    begin = frames.PREFACE + frames.settings({frames.INITIAL_WINDOW_SIZE: 5})
    begin += frames.open_call(1, "/harmony.v1.HarmonyService/Parse")
    requests = (config(ASSISTANT), tokens([200008, 87]))
    sent = b"".join(frames.grpc_message(request.SerializeToString()) for request in requests)
    limits = ("--max-streams", "2", "--stream-idle-timeout-seconds", "2")
    with (
        running_server("--listen", "127.0.0.1:0", *limits) as (_, address),
        grpc.insecure_channel(address) as channel,
        frames.connected(address) as unread,
    ):
        stub = HarmonyServiceStub(channel)
        unread.sendall(begin + frames.data_frames(1, sent, end=False))
        _read_to(unread, frames.DATA)
        later = _Parse(stub.Parse)
        later.ask(config(ASSISTANT))
        # The unread stream has been idle for longer, so the server has ended it too.
        assert later.wait_failing() == _exceeded("stream_idle_timeout_seconds", 2.0)
        another = _opened(stub)
        assert _Parse(stub.Parse).ask_failing(config()) == _exceeded("max_streams", 2)
        # When the client reads, it gets the end, and the slot is released.
        for stream in (0, 1):
            unread.sendall(frames.frame(frames.WINDOW_UPDATE, 0, stream, struct.pack(">L", 2**20)))
        assert b"stream_idle_timeout_seconds" in _read_to(unread, frames.HEADERS)
        _opened(stub)
        another.cancel()


def test_a_stream_that_reads_nothing_learns_how_it_ended() -> None:
    """Even if the client has not read the first response, it gets the status of the end."""
    begin = frames.PREFACE + frames.settings({frames.INITIAL_WINDOW_SIZE: 0})
    begin += frames.open_call(1, "/harmony.v1.HarmonyService/Parse")
    sent = frames.grpc_message(config(ASSISTANT).SerializeToString())
    limits = ("--stream-idle-timeout-seconds", "1")
    with (
        running_server("--listen", "127.0.0.1:0", *limits) as (_, address),
        grpc.insecure_channel(address) as channel,
        frames.connected(address) as unread,
    ):
        unread.sendall(begin + frames.data_frames(1, sent, end=False))
        _read_to(unread, frames.HEADERS)
        later = _Parse(HarmonyServiceStub(channel).Parse)
        later.ask(config(ASSISTANT))
        # The unread one has been idle for longer, so it was ended as well.
        assert later.wait_failing() == _exceeded("stream_idle_timeout_seconds", 1.0)
        unread.sendall(frames.frame(frames.WINDOW_UPDATE, 0, 1, struct.pack(">L", 2**20)))
        assert b"stream_idle_timeout_seconds" in _read_to(unread, frames.HEADERS)


def _read_to(connection: socket.socket, kind: int) -> bytes:
    """Reads frames up to the next one of a kind, and returns its payload."""
    while True:
        head = connection.recv(9, socket.MSG_WAITALL)
        payload = connection.recv(int.from_bytes(head[:3], "big"), socket.MSG_WAITALL)
        if head[3] == kind:
            return payload


def test_health_is_answered_at_every_limit() -> None:
    """Health is answered while other limits are reached, so that probes do not fail."""
    with (
        running_server(*_FULL) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        stream = _Parse(stub.Parse)
        stream.ask(config(ASSISTANT))
        with _renders_at_work(stub):
            full = 0
            end = time.monotonic() + _TIMEOUT_SECONDS
            while full < 5:
                full += _unless_refused(stub) is not None
                assert health(channel, "") == SERVING
                assert time.monotonic() < end, "no limit was reached"
        assert _Parse(stub.Parse).ask_failing(config()) == _exceeded("max_streams", 1)


def test_idle_streams() -> None:
    """A stream without a request for too long is ended; one in use is not."""
    with _limited(stream_idle_timeout_seconds=0.8) as stub:
        idle, used = _Parse(stub.Parse), _Parse(stub.Parse)
        idle.ask(config(ASSISTANT))
        used.ask(config(ASSISTANT))
        used.ask(tokens([200008]))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ended = pool.submit(idle.wait_failing)
            while not ended.done():
                used.ask(tokens([87]))
                time.sleep(0.01)
            assert ended.result() == _exceeded("stream_idle_timeout_seconds", 0.8)
        used.ask(tokens([87]))


def test_a_paused_server_ends_no_stream() -> None:
    """Time in which the server's process is stopped does not count as idle."""
    listen = ("--listen", "127.0.0.1:0", "--stream-idle-timeout-seconds", "2")
    with (
        running_server(*listen) as (process, address),
        grpc.insecure_channel(address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        stream = _Parse(stub.Parse)
        stream.ask(config(ASSISTANT))
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)
        process.send_signal(signal.SIGCONT)
        # When this is answered, the server has looked for idle streams.
        stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)
        stream.ask(tokens([87]))


def test_an_old_connection_is_ended_in_two_steps() -> None:
    """At its age the client is told to leave; its streams go on until the grace is over."""
    ages = ("--max-connection-age-seconds", "1", "--max-connection-age-grace-seconds", "2")
    begin = frames.PREFACE + frames.settings()
    begin += frames.open_call(1, "/harmony.v1.HarmonyService/Parse")
    with running_server("--listen", "127.0.0.1:0", *ages) as (_, address):
        connected_at = time.monotonic()
        with frames.connected(address) as connection:
            sent = frames.grpc_message(config(ASSISTANT).SerializeToString())
            connection.sendall(begin + frames.data_frames(1, sent, end=False))
            _read_to(connection, frames.DATA)
            _read_to(connection, frames.GOAWAY)
            told_at = time.monotonic()
            # gRPC varies the age by a tenth.
            assert told_at - connected_at > 0.85
            sent = frames.grpc_message(tokens([200008, 87]).SerializeToString())
            connection.sendall(frames.data_frames(1, sent, end=False))
            assert b"x" in _read_to(connection, frames.DATA)
            while connection.recv(64 * 1024):
                pass
            assert time.monotonic() - told_at > 1.7


def test_connection_age() -> None:
    """An old connection and, after the grace period, its streams end; a new call reconnects."""
    ages = {"max_connection_age_seconds": 1, "max_connection_age_grace_seconds": 1}
    with _limited(**ages) as stub:
        stream = _Parse(stub.Parse)
        stream.ask(config(ASSISTANT))
        failure = stream.wait_failing()
        assert failure.code is grpc.StatusCode.UNAVAILABLE
        stub.GetEncoding(service_pb2.GetEncodingRequest(), timeout=_TIMEOUT_SECONDS)
