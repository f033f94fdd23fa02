"""Streams of one sequence against the real server, with both clients."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any, TypeVar

import grpc
import pytest

from harmony_client import (
    AsyncClient,
    Cancelled,
    Client,
    ContentDelta,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    MessageCompleted,
    MessageStarted,
    ParseFailed,
    Recovered,
    RecoveryReason,
    assistant,
)
from harmony_client.v1 import parse_pb2

from .recording_server import RecordingServer

Connect = Callable[..., Client]
EventT = TypeVar("EventT")

CALL = (
    "<|channel|>analysis<|message|>Think hard.<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
)


@pytest.fixture
def client(connect: Connect, server_address: str) -> Client:
    """A client of either kind."""
    return connect(server_address)


def one(kind: type[EventT], events: list[Any]) -> EventT:
    """Returns the event that is the only one, and is of this kind."""
    (event,) = events
    assert isinstance(event, kind)
    return event


def texts(events: Iterable[Any]) -> list[str]:
    """Returns the texts of the deltas."""
    return [event.text for event in events if isinstance(event, ContentDelta)]


def encode(client: Client, text: str) -> list[int]:
    """Returns the tokens of text, special tokens included."""
    return client.encode(text, allowed_special="all")


def test_events(client: Client) -> None:
    """Every event is its own protobuf message, with whole messages and offsets."""
    tokens = encode(client, CALL)
    events = list(client.parse(tokens))
    assert [type(event) for event in events] == [
        MessageStarted,
        ContentDelta,
        ContentDelta,
        ContentDelta,
        MessageCompleted,
        MessageStarted,
        ContentDelta,
        MessageCompleted,
    ]
    assert "".join(texts(events[:4])) == "Think hard."
    thought, call = (event for event in events if isinstance(event, MessageCompleted))
    assert thought.message == assistant("Think hard.", channel="analysis")
    assert (thought.stop_token, call.stop_token) == (200007, 200012)
    content = call.offsets.content
    assert client.decode(tokens[content.begin : content.end]) == "{}"


def test_events_match_by_class(client: Client) -> None:
    """A match statement takes events apart."""
    seen: list[object] = []
    for event in client.parse([encode(client, "<|channel|>final<|message|>Hi<|return|>")]):
        match event:
            case MessageStarted(channel=channel):
                seen.append(channel)
            case ContentDelta(text=text):
                seen.append(text)
            case MessageCompleted(stop_token=stop_token):
                seen.append(stop_token)
    assert seen == ["final", "Hi", 200002]


def test_events_come_as_tokens_come(client: Client) -> None:
    """Each event is yielded before the next token is asked for."""
    tokens = encode(client, "<|channel|>final<|message|>Hi there")
    order: list[str] = []

    def sampled() -> Iterator[int]:
        for token in tokens:
            order.append("token")
            yield token

    order.extend(type(event).__name__ for event in client.parse(sampled()))
    assert order == [
        *["token"] * 3,
        "MessageStarted",
        "token",
        "ContentDelta",
        "token",
        "ContentDelta",
        "MessageCompleted",
    ]


def test_a_prefilled_stream(client: Client) -> None:
    """A stream continues the prompt: a message, and offsets, begin with the first token."""
    prefill = encode(client, "<|channel|>final<|message|>Two and two")
    started, one, completed = client.parse([encode(client, " is 4.")], prefill=prefill)
    assert isinstance(started, MessageStarted)
    assert isinstance(one, ContentDelta)
    assert not one.HasField("offsets")
    assert isinstance(completed, MessageCompleted)
    assert completed.message == assistant(" is 4.", channel="final")
    assert (completed.offsets.content.begin, completed.offsets.content.end) == (0, 4)
    parsed = client.parse_messages(encode(client, " is 4."), prefill=prefill)
    assert parsed.messages == [completed.message]


def test_a_malformed_prefill(client: Client) -> None:
    """The error names the token of the prefill."""
    with pytest.raises(InvalidArgument) as caught:
        client.parse_messages([], role=None, prefill=[200006, 87, 200008])
    assert [violation.field for violation in caught.value.field_violations] == ["prefill[2]"]
    with pytest.raises(InvalidArgument) as caught:
        list(client.parse([87], role=None, prefill=[200006, 87, 200008]))
    assert [violation.field for violation in caught.value.field_violations] == ["config.prefill[2]"]


def test_deltas_with_offsets(client: Client) -> None:
    """Each delta has the range of its tokens if the stream asks."""
    head, text = encode(client, "<|channel|>final<|message|>"), encode(client, "one two three")
    events = list(client.parse([head, text[:2], text[2]], delta_offsets=True))
    ranges = [
        (event.text, event.offsets.begin, event.offsets.end)
        for event in events
        if isinstance(event, ContentDelta)
    ]
    assert ranges == [("one two", 3, 5), (" three", 5, 6)]


@pytest.mark.parametrize(
    ("text", "cut_off"), [("<|channel|>final", True), ("<|channel|>final<|return|>", False)]
)
def test_a_header_that_is_cut_off(client: Client, text: str, cut_off: bool) -> None:
    """The error at the end of the tokens says whether a stop token ended the header."""
    with pytest.raises(ParseFailed) as caught:
        client.parse_messages(encode(client, text))
    assert (caught.value.token, caught.value.cut_off) == (None, cut_off)


def test_runs_and_tokens_mix(client: Client) -> None:
    """A run of tokens adds one delta; an empty run adds nothing."""
    head, text = encode(client, "<|channel|>final<|message|>"), encode(client, "one two three")
    events = list(client.parse([head, [], text, text[0]]))
    assert texts(events) == ["one two three", "one"]


def test_no_tokens(client: Client) -> None:
    """A completion without tokens has no events, and with a preset role no header."""
    assert list(client.parse([], role=None)) == []
    with pytest.raises(ParseFailed) as caught:
        list(client.parse([]))
    assert (caught.value.token, caught.value.offset) == (None, 0)


def test_many_tokens_at_once(client: Client) -> None:
    """A run may be as long as a context."""
    text = "word " * 50_000
    events = list(client.parse([encode(client, f"<|channel|>final<|message|>{text}")]))
    assert [type(event).__name__ for event in events] == [
        "MessageStarted",
        "ContentDelta",
        "MessageCompleted",
    ]
    assert texts(events) == [text]


def test_malformed_output(client: Client) -> None:
    """Events before the malformed token are delivered; then the error tells which token it is."""
    tokens = encode(client, "<|channel|>final<|message|>Hi<|end|>no header")
    events: list[object] = []
    with pytest.raises(ParseFailed) as caught:
        events.extend(client.parse([tokens]))
    assert isinstance(events[-1], MessageCompleted)
    error = caught.value
    assert isinstance(error, InvalidArgument)
    assert (error.token, error.offset, error.state) == (tokens[5], 5, "ExpectStart")


def test_malformed_output_while_more_is_written(server_address: str) -> None:
    """A write to an ended call, which grpcio reports as INTERNAL, does not replace the status."""

    async def fail(client: AsyncClient) -> None:
        for _ in range(20):
            with pytest.raises(ParseFailed):
                async for _ in client.parse([200005, 17196, 200008, 200002, *[1] * 5]):
                    pass

    async def scenario() -> None:
        async with AsyncClient(server_address) as client:
            await asyncio.gather(*(fail(client) for _ in range(16)))

    asyncio.run(scenario())


def test_malformed_output_in_a_unary_call(client: Client) -> None:
    """The unary call raises the same class."""
    with pytest.raises(ParseFailed) as caught:
        client.parse_messages([13225], role=None)
    assert (caught.value.token, caught.value.state) == (13225, "ExpectStart")


def test_an_end_inside_a_header(client: Client) -> None:
    """The end of the tokens can be malformed output too."""
    with client.open_parse() as stream:
        assert stream.feed(encode(client, "<|channel|>final")) == []
        with pytest.raises(ParseFailed) as caught:
            stream.finish()
    assert (caught.value.token, caught.value.state) == (None, "Header")


def test_recover(client: Client) -> None:
    """Repairs are events among the others."""
    tokens = encode(client, "<|channel|>final<|message|>Hi<|end|><|end|>")
    events = list(client.parse(tokens, mode="recover"))
    assert isinstance(events[-1], Recovered)
    assert events[-1].reason == RecoveryReason.RECOVERY_REASON_EXTRA_STOP


def test_options(client: Client) -> None:
    """Role, mode and limit go to the server."""
    unfinished = encode(client, "<|channel|>final Hi<|return|>")
    assert isinstance(list(client.parse(unfinished, mode="lenient"))[-1], MessageCompleted)
    with pytest.raises(ParseFailed):
        list(client.parse(encode(client, CALL), max_header_tokens=1))
    started = next(iter(client.parse([encode(client, " to=x<|message|>")], "user")))
    assert isinstance(started, MessageStarted)
    with pytest.raises(ValueError, match="unknown name 'model'"):
        client.open_parse("model")


def test_refused_config(client: Client) -> None:
    """The server refuses an option that is out of range, with the first token."""
    with client.open_parse(max_header_tokens=0) as stream, pytest.raises(InvalidArgument):
        stream.feed([1])


def test_push(client: Client) -> None:
    """`feed` returns the events of each run."""
    with client.open_parse() as stream:
        assert stream.feed(encode(client, "<|channel|>final")) == []
        started = one(MessageStarted, stream.feed(encode(client, "<|message|>")))
        assert started.channel == "final"
        assert one(ContentDelta, stream.feed(encode(client, "Hi"))).text == "Hi"
        completed = one(MessageCompleted, stream.finish())
        assert not completed.HasField("stop_token")


def test_an_ended_stream_is_over(client: Client) -> None:
    """However a stream ended, using it raises RuntimeError, and cancelling it has no effect."""
    finished, cancelled, failed = (client.open_parse(role=None) for _ in range(3))
    finished.finish()
    cancelled.feed([200006])
    cancelled.cancel()
    failed.feed([13225])
    with pytest.raises(ParseFailed):
        failed.feed([13225])
    for stream in (finished, cancelled, failed):
        with pytest.raises(RuntimeError, match="the stream has ended"):
            stream.feed([1])
        stream.cancel()


def test_invalid_tokens(client: Client) -> None:
    """Invalid tokens are refused before anything is sent; the stream goes on."""
    with client.open_parse() as stream:
        stream.feed([200005])
        with pytest.raises(ValueError, match="-1"):
            stream.feed([-1])
        with pytest.raises(TypeError):
            stream.feed(["Hi"])  # type: ignore[list-item]
        started = one(MessageStarted, stream.feed(encode(client, "final<|message|>")))
        assert started.channel == "final"


def test_an_error_of_the_source(client: Client) -> None:
    """An exception from the source of the tokens reaches the caller unchanged."""

    def sampled() -> Iterator[int]:
        yield 200005
        raise OSError("the model is gone")

    with pytest.raises(OSError, match="the model is gone"):
        list(client.parse(sampled()))


def test_asynchronous_source(server_address: str) -> None:
    """The asyncio client takes asynchronous iterables, and runs many streams concurrently."""

    async def sampled(tokens: list[int]) -> AsyncIterator[int]:
        for token in tokens:
            await asyncio.sleep(0)
            yield token

    async def parse(client: AsyncClient, text: str) -> str:
        tokens = await client.encode(f"<|channel|>final<|message|>{text}", allowed_special="all")
        events = [event async for event in client.parse(sampled(tokens))]
        return "".join(texts(events))

    async def scenario() -> None:
        async with AsyncClient(server_address) as client:
            answers = [f"answer number {i}" for i in range(20)]
            assert await asyncio.gather(*(parse(client, text) for text in answers)) == answers

    asyncio.run(scenario())


@pytest.fixture
def hanging(recording_server: RecordingServer) -> Iterator[threading.Event]:
    """A server whose streams never answer; set when one of them has ended."""
    ended, release = threading.Event(), threading.Event()

    def hang(_: object, context: grpc.ServicerContext) -> Iterator[None]:
        context.add_callback(ended.set)
        release.wait(60)
        yield from ()

    recording_server.streams["Parse"] = hang
    recording_server.streams["ParseBatch"] = hang
    recording_server.start("127.0.0.1:0")
    yield ended
    release.set()


@pytest.mark.parametrize("replay", [False, True])
def test_each_step_has_a_deadline(
    recording_server: RecordingServer, hanging: threading.Event, connect: Connect, replay: bool
) -> None:
    """If the server does not answer, the call is cancelled when the timeout is over."""
    client = connect(recording_server.address, timeout=0.3)
    began = time.monotonic()
    with client.open_parse(replay=replay) as stream, pytest.raises(DeadlineExceeded, match=r"0\.3"):
        stream.feed([1])
    assert 0.3 <= time.monotonic() - began < 20
    assert hanging.wait(30)


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_a_stream_has_a_timeout_of_its_own(
    recording_server: RecordingServer, hanging: threading.Event, connect: Connect, timeout: float
) -> None:
    """It replaces the client's, for parses and batches."""
    del hanging
    client = connect(recording_server.address)
    with pytest.raises(DeadlineExceeded):
        list(client.parse([1], timeout=timeout))
    with client.batch(timeout=timeout) as batch, pytest.raises(DeadlineExceeded):
        batch.step({})


def test_no_server(connect: Connect) -> None:
    """A stream waits for a server within its timeout."""
    with pytest.raises(DeadlineExceeded):
        list(connect("127.0.0.1:1", timeout=0.3).parse([1], replay=True))


def test_a_stream_may_outlive_its_timeout(connect: Connect, server_address: str) -> None:
    """The timeout limits each step, not the whole stream."""
    client = connect(server_address, timeout=2)
    with client.open_parse() as stream:
        stream.feed([200005])
        time.sleep(2.1)
        started = one(MessageStarted, stream.feed(encode(client, "final<|message|>")))
        assert started.channel == "final"


def test_a_longer_wait_ends_behind_a_shorter_one(
    recording_server: RecordingServer, hanging: threading.Event
) -> None:
    """Streams of one client in several threads have independent timeouts."""
    del hanging
    seconds: dict[float, float] = {}
    ends: dict[float, type[Exception]] = {}
    with Client(recording_server.address) as client:

        def wait(timeout: float) -> None:
            began = time.monotonic()
            try:
                client.open_parse(timeout=timeout).feed([1])
            except (Cancelled, DeadlineExceeded) as error:
                ends[timeout] = type(error)
            seconds[timeout] = time.monotonic() - began

        longest, *others = threads = [
            threading.Thread(target=wait, args=(timeout,)) for timeout in (60, 0.3, 0.6)
        ]
        for thread in threads:
            thread.start()
        for thread in others:
            thread.join(30)
        assert ends == {0.3: DeadlineExceeded, 0.6: DeadlineExceeded}
        assert all(timeout <= seconds[timeout] for timeout in ends)
    # Neither the others' ends nor their times were its own: the client's end is.
    longest.join(30)
    assert ends[60] is Cancelled


def test_streams_leave_no_threads(server_address: str) -> None:
    """Finished, cancelled and abandoned streams end their threads."""
    before = threading.active_count()
    with Client(server_address, timeout=0.5) as client:
        for _ in range(10):
            list(client.parse([200006], role=None, mode="recover"))
            client.open_parse().feed([200005])
            with client.open_parse() as stream:
                stream.feed([200005])
            for event in client.parse([200005, 17196, 200008, 1, 1]):
                assert isinstance(event, MessageStarted)
                break
    deadline = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_closing_the_client_ends_its_streams(server_address: str) -> None:
    """A stream of a closed client is cancelled."""
    client = Client(server_address)
    stream = client.open_parse(replay=True)
    stream.feed([200005])
    client.close()
    with pytest.raises(Cancelled):
        stream.feed([1])


def test_a_cancelled_task_ends_its_stream(
    recording_server: RecordingServer, hanging: threading.Event
) -> None:
    """The server learns that the call was cancelled."""
    entered = threading.Event()
    hang = recording_server.streams["Parse"]

    def enter(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        context.add_callback(hanging.set)
        entered.set()
        return hang(requests, context)

    recording_server.streams["Parse"] = enter

    async def scenario() -> None:
        async with AsyncClient(recording_server.address) as client:
            stream = client.open_parse(replay=True)
            task = asyncio.ensure_future(stream.feed([1]))
            assert await asyncio.to_thread(entered.wait, 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(hanging.wait, 30)
            with pytest.raises(RuntimeError, match="the stream has ended"):
                await stream.feed([1])

    asyncio.run(scenario())


def test_a_loop_left_early_ends_its_stream(recording_server: RecordingServer) -> None:
    """Closing the iterator of the asyncio client ends the stream."""
    ended = threading.Event()

    def answer(
        requests: Iterator[parse_pb2.ParseRequest], context: grpc.ServicerContext
    ) -> Iterator[parse_pb2.ParseResponse]:
        context.add_callback(ended.set)
        for request in requests:
            response = parse_pb2.ParseResponse()
            if request.HasField("tokens"):
                response.events.add().started.SetInParent()
            yield response

    recording_server.streams["Parse"] = answer
    recording_server.start("127.0.0.1:0")

    async def scenario() -> None:
        async with AsyncClient(recording_server.address) as client:
            async with aclosing(client.parse([200005, 17196, 200008, 1])) as events:
                async for event in events:
                    assert isinstance(event, MessageStarted)
                    break
                assert not ended.is_set()
            # The client is still there.
            assert await asyncio.to_thread(ended.wait, 30)

    asyncio.run(scenario())


def test_a_server_that_ends_a_stream_early(
    recording_server: RecordingServer, connect: Connect
) -> None:
    """If the server ends the stream with OK while a response is due, it is at fault."""
    recording_server.streams["Parse"] = lambda *_: iter(())
    recording_server.start("127.0.0.1:0")
    with pytest.raises(Internal, match="without a response"):
        list(connect(recording_server.address).parse([1]))
