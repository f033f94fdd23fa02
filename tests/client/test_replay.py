"""Replaying streams lose and repeat nothing, whenever the server dies."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harmony_client import (
    BatchStep,
    Client,
    HarmonyClientError,
    ParseMode,
    Recovered,
    ResourceExhausted,
    RpcError,
    Unavailable,
    _patience,
)
from harmony_client._codec import parse_config, parse_options
from harmony_client._sessions import BatchSession, ParseSession
from harmony_client.v1 import parse_pb2
from harmony_server import core
from harmony_server.core.vocabulary import token_bytes
from tests.strategies.streams import Stream, streams
from tests.strategies.vocabulary import Vocabulary

from .mortal_server import MortalStub

Connect = Callable[..., Client]

HEADER = [200005, 17196, 200008]

fast = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# A call dies at its first read or at a later one, and at most four calls die.
deaths = st.lists(st.integers(1, 12), max_size=4)


class Options(NamedTuple):
    """The options of a sequence."""

    mode: ParseMode = "strict"
    max_header_tokens: int | None = None
    callable_names: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    prefill: tuple[int, ...] = ()
    delta_offsets: bool = False


options = st.sampled_from(
    [
        Options(),
        Options(mode="lenient"),
        Options(mode="recover"),
        Options(mode="recover", max_header_tokens=5),
        Options(mode="recover", callable_names=("json",), channels=("notes",)),
        Options(mode="recover", delta_offsets=True),
        Options(prefill=(*HEADER, 200_000), delta_offsets=True),
        Options(mode="lenient", prefill=(200005, 17196)),
        Options(mode="recover", prefill=(200_000,)),
    ]
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_patience, "_LONGEST_PAUSE", 0.001)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """The token ids of what strategies draw."""
    name = core.HarmonyEncodingName.HARMONY_GPT_OSS
    return Vocabulary(token_bytes(), core.load_harmony_encoding(name))


@pytest.fixture
def client(connect: Connect) -> Client:
    """A client of either kind, whose server is never called."""
    return connect("127.0.0.1:1")


def use(client: Client, stub: MortalStub) -> None:
    """Replaces the network by the stub."""
    vars(getattr(client, "_target", client))["_stub"] = stub


@st.composite
def chunked(draw: st.DrawFn, tokens: Sequence[int]) -> list[list[int]]:
    """Cuts tokens into runs, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(tokens)), max_size=10)))
    return [
        list(tokens[begin:end]) for begin, end in zip([0, *cuts], [*cuts, len(tokens)], strict=True)
    ]


def without_place(event: Any) -> Any:
    """Returns an event as it is, or text outside a message without its token offsets.

    Where a character is split over tokens, they depend on how the tokens were split.
    """
    reason = parse_pb2.RecoveryReason.RECOVERY_REASON_TEXT_OUTSIDE_MESSAGE
    if isinstance(event, Recovered) and event.reason == reason:
        event = Recovered.FromString(event.SerializeToString())
        event.ClearField("offsets")
    return event


def collect(events: Iterator[Any]) -> tuple[list[Any], object]:
    """Returns the events, and the class and arguments of the error that ends them, if any."""
    got: list[Any] = []
    try:
        got.extend(map(without_place, events))
    except HarmonyClientError as error:
        return got, (type(error), error.args)
    return got, None


@fast
@given(streams(), options, deaths, st.data())
def test_a_replayed_parse_gives_the_same(
    client: Client,
    vocabulary: Vocabulary,
    stream: Stream,
    options: Options,
    deaths: list[int],
    data: st.DataObject,
) -> None:
    """Events, texts and errors are the same with and without deaths."""
    runs = data.draw(chunked(vocabulary.stream_tokens(stream)))

    def parse() -> tuple[list[Any], object]:
        return collect(client.parse(runs, stream.role, replay=True, **options._asdict()))

    use(client, MortalStub())
    undisturbed = parse()
    use(client, MortalStub(deaths))
    assert parse() == undisturbed


class Step(NamedTuple):
    """One step of a batch."""

    opened: list[tuple[int, Options, str | None]]
    tokens: dict[int, list[int]]
    closed: list[int]


@st.composite
def batches(draw: st.DrawFn, vocabulary: Vocabulary) -> list[Step]:
    """Draws the steps of a few sequences, some of which get tokens before they are opened."""
    steps = [Step([], {}, []) for _ in range(draw(st.integers(1, 8)))]
    for sequence_id in range(draw(st.integers(0, 4))):
        stream = draw(streams())
        runs = draw(chunked(vocabulary.stream_tokens(stream)))
        begin = draw(st.integers(0, len(steps) - 1))
        steps[begin].opened.append((sequence_id, draw(options), stream.role))
        for step, run in zip(steps[max(begin - draw(st.integers(0, 1)), 0) :], runs, strict=False):
            step.tokens[sequence_id] = run
        if draw(st.booleans()):
            steps[draw(st.integers(begin, len(steps) - 1))].closed.append(sequence_id)
    return steps


def comparable(step: BatchStep) -> Any:
    """Returns the results of a step, with errors as their arguments, which compare."""
    events = [
        (
            *event[:2],
            event.event.args if isinstance(event.event, RpcError) else without_place(event.event),
        )
        for event in step.events
    ]
    return *step[:2], events, *step[3:]


@fast
@given(deaths, st.data())
def test_a_replayed_batch_gives_the_same(
    client: Client, vocabulary: Vocabulary, deaths: list[int], data: st.DataObject
) -> None:
    """Steps are the same with and without deaths, including closed and failed sequences."""
    steps = data.draw(batches(vocabulary))

    def run() -> Iterator[Any]:
        failed: set[int] = set()
        with client.batch(replay=True) as batch:
            for opened, tokens, closed in steps:
                for sequence_id, how, role in opened:
                    batch.open(sequence_id, role=role, **how._asdict())
                for sequence_id in closed:
                    if sequence_id not in failed:
                        batch.close(sequence_id)
                step = batch.step(tokens)
                failed |= {
                    event.sequence_id for event in step.events if isinstance(event.event, RpcError)
                }
                yield comparable(step)
            yield comparable(batch.finish())

    use(client, MortalStub())
    undisturbed = list(run())
    use(client, MortalStub(deaths))
    assert list(run()) == undisturbed


def test_without_replay_a_death_is_an_error(client: Client) -> None:
    """The error comes once, the stream has ended, and no other call is made."""
    stub = MortalStub([3])
    use(client, stub)
    with client.open_parse() as stream:
        stream.feed(HEADER)
        with pytest.raises(Unavailable):
            stream.feed([1])
        with pytest.raises(RuntimeError, match="the stream has ended"):
            stream.feed([1])
    assert stub.calls == 1


def test_a_server_that_always_dies(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts end when the step's time is over; the last failure is raised."""
    # Of 0, 0.4, 0.8 and 1.6 s the last is far too long for what is left.
    monkeypatch.setattr(_patience, "_FIRST_PAUSE", 0.4)
    monkeypatch.setattr(_patience, "_LONGEST_PAUSE", 60)
    monkeypatch.setattr(random, "uniform", lambda *_: 1.0)
    client = connect("127.0.0.1:1", timeout=2)
    stub = MortalStub([1] * 100_000)
    use(client, stub)
    with client.batch(replay=True) as batch, pytest.raises(Unavailable):
        batch.step({})
    assert stub.calls > 2


def test_a_replay_has_requests_of_bounded_size() -> None:
    """However many tokens were answered, a server with default limits accepts each request."""
    parse = ParseSession(
        parse_config("assistant", parse_options("strict", None, (), ()), ()), replay=True
    )
    batch = BatchSession(replay=True)
    config = parse_pb2.ParseConfig()
    for sequence_id in range(3):
        batch.open(sequence_id, config)
    run = [200_000] * 150_000
    for sequence_id in range(3):
        parse.note_answer(parse.make_request(run))
        request = batch.make_request([sequence_id] * len(run), run)
        batch.note_answer(request, parse_pb2.ParseBatchResponse())
    parse_requests, batch_requests = list(parse.opening_requests()), list(batch.opening_requests())
    for requests in (parse_requests, batch_requests):
        assert all(request.ByteSize() < 1_000_000 for request in requests)
    assert sum(len(request.tokens.tokens) for request in parse_requests) == 450_000
    assert [i for request in batch_requests for i in request.sequence_ids] == [
        *[0] * 150_000,
        *[1] * 150_000,
        *[2] * 150_000,
    ]


def test_a_server_at_its_load_limit_is_not_asked_again() -> None:
    """Smaller requests help against a limit on their size alone; other refusals are raised."""
    session = ParseSession(parse_pb2.ParseConfig(), replay=True)
    session.note_answer(session.make_request([1, 2, 3]))
    patience = _patience.Patience(60)

    def pause_after(limit: str) -> float | None:
        next(session.opening_requests())
        metadata = {"limit": limit, "maximum": "1"}
        code = grpc.StatusCode.RESOURCE_EXHAUSTED
        error = ResourceExhausted(code, "", "LIMIT_EXCEEDED", metadata)
        return session.pause_after(error, patience)

    assert pause_after("max_streams") is None
    assert pause_after("max_request_tokens") == 0
    assert [len(request.tokens.tokens) for request in session.opening_requests()] == [0, 1, 1, 1]
    # A single token cannot be split.
    assert pause_after("max_request_tokens") is None


def test_a_refused_step_is_not_sent_again() -> None:
    """A step of the caller that is too large is an error, although the stream replays."""
    session = ParseSession(parse_pb2.ParseConfig(), replay=True)
    session.note_answer(session.make_request([1, 2, 3]))
    list(session.opening_requests())
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    assert session.pause_after(ResourceExhausted(code, ""), _patience.Patience(60)) is None


def test_a_batch_forgets_ended_sequences() -> None:
    """A batch does not keep the tokens of closed and failed sequences."""
    batch = BatchSession(replay=True)
    for sequence_id in range(3):
        batch.open(sequence_id, parse_pb2.ParseConfig())
    batch.close(0)
    failure = parse_pb2.SequenceEvent(sequence_id=1)
    failure.error.code = 3
    batch.note_answer(
        batch.make_request([0, 1, 2], [7, 8, 9]), parse_pb2.ParseBatchResponse(events=[failure])
    )
    opened, fed = batch.opening_requests()
    assert [sequence.sequence_id for sequence in opened.open] == [2]
    assert list(fed.tokens) == [9]


def test_without_replay_nothing_is_kept() -> None:
    """A stream that does not replay remembers no tokens."""
    parse = ParseSession(parse_pb2.ParseConfig(), replay=False)
    parse.note_answer(parse.make_request([1, 2, 3]))
    assert len(list(parse.opening_requests())) == 1
    batch = BatchSession(replay=False)
    batch.open(1, parse_pb2.ParseConfig())
    batch.note_answer(batch.make_request([1], [2]), parse_pb2.ParseBatchResponse())
    assert list(batch.opening_requests()) == []
