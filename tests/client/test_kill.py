"""The real server, killed and restarted while many streams are open."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from devtools.server_process import running_server
from harmony_client import (
    AsyncClient,
    BatchStep,
    Client,
    ContentDelta,
    MessageCompleted,
    TokenRange,
    Unavailable,
    assistant,
)
from harmony_server.core.vocabulary import token_bytes
from tests.support.encodings import encoding

Connect = Callable[..., Client]

STREAMS = 50
SEQUENCES = 256
HEADER = [200005, 17196, 200008]
RETURN = 200002
# Tokens that are whole texts.
WORDS = [1_000 + place for place, data in enumerate(token_bytes()[1_000:2_000]) if data.isascii()]
# Seconds that a step may take, including a restart. Tests usually end long before.
PATIENCE = 60
# Tokens that every sequence gets, one at a time.
LENGTH = 48


class Supervisor:
    """Keeps a server on one port, kills it, and starts it again."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._servers = ExitStack()
        self.start()

    def start(self) -> None:
        """Starts a server and waits until it serves."""
        # A stop waits for no stream that its client replays.
        server = running_server(
            "--listen", self.address, "--grace-seconds", "0.1", *self._arguments
        )
        self._process, _ = self._servers.enter_context(server)

    def kill(self) -> None:
        """Kills the server as `kill -9` does."""
        self._process.kill()
        self._process.wait(60)

    def stop(self) -> None:
        """Stops the server, if one is running."""
        self._servers.close()


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """A server that can be killed."""
    supervisor = Supervisor()
    yield supervisor
    supervisor.stop()


class Progress:
    """Counts the tokens given to streams, and waits for a count."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._last = 0

    def tick(self) -> None:
        """Counts one."""
        self._last = next(self._count)

    def wait(self, count: int) -> None:
        """Waits until the count is reached."""
        deadline = time.monotonic() + PATIENCE
        while self._last < count:
            assert time.monotonic() < deadline, f"stuck at {self._last}"
            time.sleep(0.005)


def kill_in_between(supervisor: Supervisor, progress: Progress, total: int) -> None:
    """Kills the server twice: after a third and after two thirds of the tokens."""
    for third in (1, 2):
        progress.wait(total * third // 3)
        supervisor.kill()
        # No server is running for a moment.
        time.sleep(0.3)
        supervisor.start()


def completion(number: int) -> list[int]:
    """Returns the tokens of two messages, different for every number."""
    words = [1_000 + (number * 31 + place) % 5_000 for place in range(LENGTH)]
    middle = LENGTH // 2
    return [*HEADER, *words[:middle], 200007, 200006, 173781, *HEADER, *words[middle:], RETURN]


def batch_columns() -> list[list[int]]:
    """Returns the tokens of each step, one for each sequence."""
    return [list(column) for column in zip(*map(completion, range(SEQUENCES)), strict=True)]


TOTAL = (STREAMS + 1) * len(completion(0))


def everything(client: Client, progress: Progress) -> tuple[list[list[Any]], list[BatchStep]]:
    """Parses all completions concurrently, and a batch in another stream."""

    def sampled(number: int) -> Iterator[int]:
        for token in completion(number):
            progress.tick()
            yield token

    def parse(number: int) -> list[Any]:
        return list(client.parse(sampled(number), replay=True))

    def step_batch() -> list[BatchStep]:
        with client.batch(replay=True) as batch:
            ids = [batch.open() for _ in range(SEQUENCES)]
            steps = []
            for column in batch_columns():
                progress.tick()
                steps.append(batch.step_columns(ids, column))
            return [*steps, batch.finish()]

    with ThreadPoolExecutor(STREAMS + 1) as threads:
        batch = threads.submit(step_batch)
        return list(threads.map(parse, range(STREAMS))), batch.result()


async def everything_async(
    client: AsyncClient, progress: Progress
) -> tuple[list[list[Any]], list[BatchStep]]:
    """Does the same as `everything`, in tasks."""

    async def sampled(number: int) -> AsyncIterator[int]:
        for token in completion(number):
            progress.tick()
            yield token

    async def parse(number: int) -> list[Any]:
        return [event async for event in client.parse(sampled(number), replay=True)]

    async def step_batch() -> list[BatchStep]:
        async with client.batch(replay=True) as batch:
            ids = [batch.open() for _ in range(SEQUENCES)]
            steps = []
            for column in batch_columns():
                progress.tick()
                steps.append(await batch.step_columns(ids, column))
            return [*steps, await batch.finish()]

    parses = asyncio.gather(*(parse(number) for number in range(STREAMS)))
    batch = asyncio.create_task(step_batch())
    return list(await parses), await batch


def run_sync(address: str, progress: Progress) -> tuple[list[list[Any]], list[BatchStep]]:
    """Runs everything with `Client`."""
    with Client(address, timeout=PATIENCE) as client:
        return everything(client, progress)


def run_async(address: str, progress: Progress) -> tuple[list[list[Any]], list[BatchStep]]:
    """Runs everything with `AsyncClient`."""

    async def scenario() -> tuple[list[list[Any]], list[BatchStep]]:
        async with AsyncClient(address, timeout=PATIENCE) as client:
            return await everything_async(client, progress)

    return asyncio.run(scenario())


@pytest.fixture(scope="module")
def undisturbed(server_address: str) -> tuple[list[list[Any]], list[BatchStep]]:
    """The results if no server is killed."""
    return run_async(server_address, Progress())


@pytest.mark.parametrize("run", [run_sync, run_async], ids=["sync", "asyncio"])
def test_everything_is_delivered_once(
    supervisor: Supervisor, undisturbed: tuple[list[list[Any]], list[BatchStep]], run: Any
) -> None:
    """50 parses and a batch of 256 survive two deaths without losing or repeating an event."""
    progress = Progress()
    killer = threading.Thread(target=kill_in_between, args=(supervisor, progress, TOTAL))
    killer.start()
    parses, steps = run(supervisor.address, progress)
    killer.join(PATIENCE)
    assert not killer.is_alive()
    expected_parses, expected_steps = undisturbed
    assert parses == expected_parses
    assert steps == expected_steps
    assert sum(isinstance(event, MessageCompleted) for event in parses[0]) == 2


@pytest.fixture(
    params=[
        pytest.param(("--max-request-bytes", "1024"), id="bytes"),
        pytest.param(("--max-request-tokens", "1"), id="tokens"),
    ]
)
def strict_supervisor(request: pytest.FixtureRequest) -> Iterator[Supervisor]:
    """A server that can be killed, and that accepts only small requests."""
    supervisor = Supervisor(*request.param)
    yield supervisor
    supervisor.stop()


def test_a_replay_adapts_to_the_server(strict_supervisor: Supervisor, connect: Connect) -> None:
    """A replay far larger than the server accepts at once loses and repeats nothing."""
    client = connect(strict_supervisor.address, timeout=PATIENCE)
    words = WORDS * 4
    with client.open_parse(replay=True) as stream:
        for token in (*HEADER, *words):
            stream.feed([token])
        strict_supervisor.kill()
        strict_supervisor.start()
        assert stream.feed([WORDS[0]]) == [ContentDelta(text=encoding().decode([WORDS[0]]))]
        (completed,) = stream.feed([RETURN])
        assert stream.finish() == []
    assert isinstance(completed, MessageCompleted)
    assert completed.message == assistant(encoding().decode([*words, WORDS[0]]), channel="final")
    assert completed.offsets.content == TokenRange(begin=3, end=3 + len(words) + 1)


def test_a_replayed_batch_adapts_to_the_server(
    strict_supervisor: Supervisor, connect: Connect
) -> None:
    """A batch opens, and feeds, more than the server accepts at once, and goes on as before."""
    client = connect(strict_supervisor.address, timeout=PATIENCE)
    with client.batch(replay=True) as batch:
        for number in range(SEQUENCES):
            batch.open(number)
            for token in (*HEADER, WORDS[number]):
                batch.step({number: token})
        strict_supervisor.kill()
        strict_supervisor.start()
        for number in range(SEQUENCES):
            assert batch.step({number: WORDS[-number]}) == (
                ([number], [encoding().decode([WORDS[-number]])], [], [], [])
            )
        last = batch.finish()
    assert [event.sequence_id for event in last.events] == list(range(SEQUENCES))
    for number, _, event in last.events:
        assert isinstance(event, MessageCompleted)
        text = encoding().decode([WORDS[number], WORDS[-number]])
        assert event.message == assistant(text, channel="final")


def test_without_replay_every_stream_fails_once(supervisor: Supervisor, connect: Connect) -> None:
    """Each stream raises `Unavailable` once, and the client can still be used."""
    client = connect(supervisor.address, timeout=PATIENCE)
    streams = [client.open_parse() for _ in range(STREAMS)]
    batch = client.batch()
    batch.open(1)
    batch.step({1: HEADER})
    for stream in streams:
        stream.feed(HEADER)
    supervisor.kill()
    steps: Sequence[Callable[[], object]] = [
        *(lambda stream=stream: stream.feed([1]) for stream in streams),
        lambda: batch.step({1: 1}),
    ]
    for step in steps:
        with pytest.raises(Unavailable):
            step()
        with pytest.raises(RuntimeError, match="the stream has ended"):
            step()
    supervisor.start()
    assert list(client.parse([[*HEADER, RETURN]]))


def test_stop_in_good_order(supervisor: Supervisor) -> None:
    """A replaying stream also survives a server that is stopped, not killed."""
    with Client(supervisor.address, timeout=PATIENCE) as client:
        stream = client.open_parse(replay=True)
        stream.feed([*HEADER, *client.encode("Hi")])
        supervisor.stop()
        supervisor.start()
        stream.feed(client.encode(" there"))
        (completed,) = stream.finish()
    assert isinstance(completed, MessageCompleted)
    assert completed.message == assistant("Hi there", channel="final")
