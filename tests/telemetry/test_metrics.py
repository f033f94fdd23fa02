"""The metrics of a real server, after calls with known outcomes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import queue
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import grpc
import psutil
import pytest

from devtools.server_process import serve_command
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from harmony_server.contract.methods import METHODS
from harmony_server.core.events import RecoveryReason
from harmony_server.telemetry import rpcs
from tests.support.encodings import encode
from tests.support.failures import failure_of
from tests.support.messages import conversation, user
from tests.support.observed_servers import ObservedServer, observed_server
from tests.support.samples import Samples
from tests.support.streams import ASSISTANT, LockStep, batch, config, parse, parse_failing, tokens
from tests.support.tools import tool
from tests.support.waiting import eventually

_TIMEOUT_SECONDS = 30
_RECOVER = parse_pb2.ParseConfig(
    role=chat_pb2.ROLE_ASSISTANT, options=parse_pb2.ParseOptions(recover=True)
)
_UNKNOWN = tuple(f"/harmony.v1.HarmonyService/{name}" for name in ("Bogus", "GetEncoding/more", ""))
_COMPLETION = encode("<|channel|>final<|message|>It rains.<|return|>")


@pytest.fixture(scope="module")
def server() -> Iterator[ObservedServer]:
    """A server that the tests of this module share."""
    with observed_server() as running:
        yield running


@pytest.fixture
def stub(server: ObservedServer) -> Iterator[HarmonyServiceStub]:
    """A stub of that server."""
    with grpc.insecure_channel(server.address) as channel:
        yield HarmonyServiceStub(channel)


class Growth:
    """The growth of counters since this object was made."""

    def __init__(self, server: ObservedServer) -> None:
        self._server = server
        self._before = server.samples()

    def of(self, name: str, **labels: str) -> float:
        """Returns the growth of the samples with this name and these labels."""
        return self._server.samples().sum(name, **labels) - self._before.sum(name, **labels)

    def rpcs(self, method: str) -> dict[str, float]:
        """Returns the number of a method's RPCs that have ended, by code."""
        before = self._before.rpcs(method)
        return {
            code: count - before.get(code, 0)
            for code, count in self._server.samples().rpcs(method).items()
            if count > before.get(code, 0)
        }

    def until_rpcs(self, method: str, **expected: float) -> None:
        """Waits until so many RPCs of a method have ended, with these codes and no others."""
        eventually(lambda: sum(self.rpcs(method).values()) >= sum(expected.values()))
        assert self.rpcs(method) == expected


def test_unary_rpcs_are_counted_by_method_and_code(
    server: ObservedServer, stub: HarmonyServiceStub
) -> None:
    """A unary RPC is counted when it begins and, with its code and duration, when it ends."""
    growth = Growth(server)
    began = time.monotonic()
    for _ in range(3):
        stub.GetEncoding(service_pb2.GetEncodingRequest())
    elapsed = time.monotonic() - began
    failure_of(lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[300_000])))
    growth.until_rpcs("GetEncoding", OK=3)
    growth.until_rpcs("Decode", INVALID_ARGUMENT=1)
    for method, count in (("GetEncoding", 3), ("Decode", 1), ("Render", 0)):
        labels = {
            "grpc_method": method,
            "grpc_service": "harmony.v1.HarmonyService",
            "grpc_type": "unary",
        }
        assert growth.of("grpc_server_started_total", **labels) == count
        assert growth.of("grpc_server_handling_seconds_count", **labels) == count
        assert growth.of("grpc_server_handling_seconds_bucket", le="+Inf", **labels) == count
    assert 0 < growth.of("grpc_server_handling_seconds_sum", grpc_method="GetEncoding") < elapsed


def test_streams_are_counted_and_open(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """A stream counts as open until it ends, and its duration is its whole life."""
    growth = Growth(server)
    began = time.monotonic()
    stream = LockStep(stub.Parse)
    stream.ask(config(ASSISTANT))
    assert server.samples().sum("harmony_streams_open") == 1
    assert growth.of("grpc_server_started_total", grpc_type="bidi_stream") == 1
    assert growth.rpcs("Parse") == {}
    time.sleep(0.3)
    stream.ask(tokens(_COMPLETION))
    stream.half_close()
    growth.until_rpcs("Parse", OK=1)
    elapsed = time.monotonic() - began
    assert server.samples().sum("harmony_streams_open") == 0
    assert 0.3 <= growth.of("grpc_server_handling_seconds_sum", grpc_method="Parse") < elapsed


def test_open_sequences(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """The open sequences of batch streams are counted, and the limits are exported."""
    growth = Growth(server)
    stream = LockStep(stub.ParseBatch)
    opened = [
        parse_pb2.OpenSequence(sequence_id=sequence_id, config=ASSISTANT)
        for sequence_id in range(5)
    ]
    stream.ask(parse_pb2.ParseBatchRequest(open=opened))
    assert server.samples().sum("harmony_sequences_open") == 5
    stream.ask(parse_pb2.ParseBatchRequest(close=[1, 2]))
    assert server.samples().sum("harmony_sequences_open") == 3
    stream.half_close()
    growth.until_rpcs("ParseBatch", OK=1)
    samples = server.samples()
    assert samples.sum("harmony_sequences_open") == 0
    assert samples.sum("harmony_sequences_max") == 16_384
    assert samples.sum("harmony_streams_max") == 1024
    assert samples.sum("harmony_large_requests_max") == 16


def test_a_failed_stream_has_its_code(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """A stream that ends with an error is counted under that code."""
    growth = Growth(server)
    parse_failing(stub, tokens([1]))
    growth.until_rpcs("Parse", INVALID_ARGUMENT=1)


def test_cancelled_streams(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """A stream that its client cancels at any point is counted as CANCELLED, once."""
    growth = Growth(server)
    for number in range(60):
        stream = LockStep(stub.Parse)
        stream.ask(config(ASSISTANT))
        for token in _COMPLETION[: number % 5]:
            stream.ask(tokens([token]))
        stream.cancel()
    growth.until_rpcs("Parse", CANCELLED=60)
    assert server.samples().sum("harmony_streams_open") == 0


def test_a_deadline_that_passes(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """A stream or large request whose deadline passes is counted as DEADLINE_EXCEEDED."""
    growth = Growth(server)
    queues: list[queue.SimpleQueue[parse_pb2.ParseRequest | None]]
    queues = [queue.SimpleQueue() for _ in range(10)]
    calls = [stub.Parse(iter(requests.get, None), metadata=_deadline(0.5)) for requests in queues]
    for call in calls:
        assert failure_of(functools.partial(list, call)).code is grpc.StatusCode.DEADLINE_EXCEEDED
    growth.until_rpcs("Parse", DEADLINE_EXCEEDED=10)
    for requests in queues:
        requests.put(None)
    # Doubles the deadline until the request arrives in time; its work takes longer than that.
    request = service_pb2.EncodeRequest(text="It rains in Oslo. " * 200_000)
    seconds = 0.05
    while not growth.of("grpc_server_started_total", grpc_method="Encode"):
        failure_of(functools.partial(stub.Encode, request, metadata=_deadline(seconds)))
        seconds *= 2
    eventually(lambda: bool(growth.rpcs("Encode")))
    assert growth.rpcs("Encode").keys() == {"DEADLINE_EXCEEDED"}


def _deadline(seconds: float) -> tuple[tuple[str, str]]:
    """Returns the metadata of a deadline that only the server enforces."""
    return (("grpc-timeout", f"{seconds * 1000:.0f}m"),)


@pytest.mark.parametrize(
    ("elapsed", "remaining", "code"),
    [
        (1.0, None, grpc.StatusCode.CANCELLED),
        (1.0, -0.1, grpc.StatusCode.DEADLINE_EXCEEDED),
        (1.0, 0.02, grpc.StatusCode.DEADLINE_EXCEEDED),
        (1.0, 0.04, grpc.StatusCode.CANCELLED),
        (99.0, 1.0, grpc.StatusCode.DEADLINE_EXCEEDED),
        (99.0, 1.1, grpc.StatusCode.CANCELLED),
    ],
)
async def test_a_client_that_cancels_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, elapsed: float, remaining: float | None, code: grpc.StatusCode
) -> None:
    """A cancellation within 20 ms or 1 % of the deadline is counted as DEADLINE_EXCEEDED."""
    times = iter([0.0, elapsed, elapsed])
    monkeypatch.setattr(rpcs, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    ended: list[grpc.StatusCode] = []

    class Watching:
        def begin(self, rpc: rpcs.Rpc) -> Callable[[], None]:
            return lambda: ended.append(rpc.code)

    async def serve(_request: bytes, _context: object) -> bytes:
        raise asyncio.CancelledError

    handler: Any = rpcs.observed(
        METHODS["Encode"],
        grpc.unary_unary_rpc_method_handler(cast("Any", serve)),
        [Watching()],
    )
    with pytest.raises(asyncio.CancelledError):
        await handler.unary_unary(b"", SimpleNamespace(time_remaining=lambda: remaining))
    assert ended == [code]


def test_refused_rpcs_are_counted_by_method(tmp_path: Path) -> None:
    """A refused RPC is counted under its method and type; unknown methods make no series."""
    file = tmp_path / "tokens"
    file.write_text("secret\n")
    with (
        observed_server("--auth-token-file", str(file)) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        series = _series(server.samples())
        failure_of(lambda: stub.GetEncoding(service_pb2.GetEncodingRequest()))
        parse_failing(stub, config(ASSISTANT))
        stub.GetEncoding(
            service_pb2.GetEncodingRequest(), metadata=(("authorization", "Bearer secret"),)
        )
        for path in _UNKNOWN:
            assert _failure_of_path(channel, path) is grpc.StatusCode.UNAUTHENTICATED
        samples = server.samples()
        assert samples.rpcs("GetEncoding") == {"UNAUTHENTICATED": 1, "OK": 1}
        assert samples.rpcs("Parse") == {"UNAUTHENTICATED": 1}
        assert samples.sum("grpc_server_started_total", grpc_type="bidi_stream") == 1
        assert samples.sum("grpc_server_started_total", grpc_type="unary") == 2
        assert _series(samples) == series


def test_unknown_methods_make_no_series(server: ObservedServer) -> None:
    """Without authentication, unknown methods make no series either."""
    series = _series(server.samples())
    with grpc.insecure_channel(server.address) as channel:
        for path in _UNKNOWN:
            assert _failure_of_path(channel, path) is grpc.StatusCode.UNIMPLEMENTED
    assert _series(server.samples()) == series


def _failure_of_path(channel: grpc.Channel, path: str) -> grpc.StatusCode:
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
    return failure_of(lambda: call(b"")).code


def _series(samples: Samples) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in samples.families.values()
        for sample in family.samples
    }


def test_rendered_tokens_are_exact(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """Every rendered token is counted, cached or not; a failed render adds none."""
    talk = conversation(user("What is the weather in Oslo?"), user("And in Rome?"))
    completion = service_pb2.RenderConversationForCompletionRequest(
        conversation=talk, next_turn_role=chat_pb2.ROLE_ASSISTANT
    )
    calls: list[Callable[[], Sequence[int]]] = [
        lambda: stub.Render(service_pb2.RenderRequest(message=user("Hello"))).tokens,
        lambda: (
            stub.RenderConversation(service_pb2.RenderConversationRequest(conversation=talk)).tokens
        ),
        lambda: stub.RenderConversationForCompletion(completion).tokens,
        lambda: (
            stub.RenderConversationForTraining(
                service_pb2.RenderConversationForTrainingRequest(conversation=talk)
            ).tokens
        ),
    ]
    for call in calls * 2:
        growth = Growth(server)
        assert growth.of("harmony_rendered_tokens_total") == 0
        count = len(call())
        assert growth.of("harmony_rendered_tokens_total") == count > 0
    growth = Growth(server)
    failing = service_pb2.RenderConversationForCompletionRequest(
        conversation=conversation(user("Hello"), chat_pb2.Message()),
        next_turn_role=chat_pb2.ROLE_ASSISTANT,
    )
    failure_of(lambda: stub.RenderConversationForCompletion(failing))
    assert growth.of("harmony_rendered_tokens_total") == 0


def test_no_count_is_lost_between_threads(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """Large renders in several threads at a time are counted in full."""

    def render(number: int) -> int:
        # Ten messages of 10 kB, none of them cached.
        texts = [f"{number} {part} " + "It rains in Oslo. " * 600 for part in range(10)]
        talk = conversation(*map(user, texts))
        request = service_pb2.RenderConversationRequest(conversation=talk)
        return len(stub.RenderConversation(request, timeout=_TIMEOUT_SECONDS).tokens)

    growth = Growth(server)
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(render, range(40)))
    assert growth.of("harmony_rendered_tokens_total") == sum(counts)


def test_parsed_tokens_are_exact(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """Every parsing RPC counts the tokens that it gets."""
    growth = Growth(server)
    parse(stub, config(ASSISTANT), *(tokens([token]) for token in _COMPLETION))
    assert growth.of("harmony_parsed_tokens_total") == len(_COMPLETION)
    parse(stub, config(ASSISTANT), tokens(_COMPLETION[:3]), tokens([]), tokens(_COMPLETION[3:]))
    assert growth.of("harmony_parsed_tokens_total") == 2 * len(_COMPLETION)
    stub.ParseMessages(
        service_pb2.ParseMessagesRequest(tokens=_COMPLETION, role=chat_pb2.ROLE_ASSISTANT)
    )
    assert growth.of("harmony_parsed_tokens_total") == 3 * len(_COMPLETION)
    opened = [
        parse_pb2.OpenSequence(sequence_id=sequence_id, config=ASSISTANT) for sequence_id in (1, 2)
    ]
    steps = [
        parse_pb2.ParseBatchRequest(sequence_ids=[1, 2], tokens=[token, token])
        for token in _COMPLETION
    ]
    batch(stub, parse_pb2.ParseBatchRequest(open=opened), *steps)
    assert growth.of("harmony_parsed_tokens_total") == 5 * len(_COMPLETION)


def test_repairs_by_reason(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """Every parsing RPC counts its repairs by reason."""
    growth = Growth(server)
    broken = encode("<|channel|>commentary to=f to=f<|message|>{}<|call|>")
    parse(stub, config(_RECOVER), tokens(broken))
    options = parse_pb2.ParseOptions(recover=True)
    stub.ParseMessages(
        service_pb2.ParseMessagesRequest(
            tokens=broken, role=chat_pb2.ROLE_ASSISTANT, options=options
        )
    )
    opened = [parse_pb2.OpenSequence(sequence_id=1, config=_RECOVER)]
    batch(
        stub,
        parse_pb2.ParseBatchRequest(
            open=opened, sequence_ids=[1] * len(broken), tokens=broken, close=[1]
        ),
    )
    counts = {
        reason.name: growth.of("harmony_repairs_total", reason=reason.name)
        for reason in RecoveryReason
    }
    assert {reason: count for reason, count in counts.items() if count} == {"REPEATED_RECIPIENT": 3}


def test_errors_of_sequences(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """A failed sequence of a batch is counted under its reason."""
    opened = [parse_pb2.OpenSequence(sequence_id=1, config=ASSISTANT)]
    growth = Growth(server)
    batch(
        stub,
        parse_pb2.ParseBatchRequest(open=opened, sequence_ids=[1, 7], tokens=[300_000, 1]),
        parse_pb2.ParseBatchRequest(close=[7]),
    )
    assert growth.of("harmony_sequence_errors_total", reason="PARSE_FAILED") == 1
    assert growth.of("harmony_sequence_errors_total", reason="SEQUENCE_UNKNOWN") == 2
    assert growth.of("harmony_sequence_errors_total") == 3
    growth.until_rpcs("ParseBatch", OK=1)


def test_the_render_cache(server: ObservedServer, stub: HarmonyServiceStub) -> None:
    """The cache's metrics match GetRenderCacheStatistics."""
    growth = Growth(server)
    request = service_pb2.RenderConversationRequest(
        conversation=conversation(user("cached once"), user("cached twice"))
    )
    stub.RenderConversation(request)
    stub.RenderConversation(request)
    assert growth.of("harmony_render_cache_misses_total") == 2
    assert growth.of("harmony_render_cache_hits_total") == 2
    statistics = stub.GetRenderCacheStatistics(service_pb2.GetRenderCacheStatisticsRequest())
    samples = server.samples()
    assert samples.sum("harmony_render_cache_hits_total") == statistics.hits
    assert samples.sum("harmony_render_cache_misses_total") == statistics.misses
    assert samples.sum("harmony_render_cache_entries") == statistics.entries
    assert samples.sum("harmony_render_cache_bytes") == statistics.bytes > 0
    assert samples.sum("harmony_render_cache_max_bytes") == statistics.max_bytes == 32 * 2**20


def test_the_lag_of_the_event_loop(server: ObservedServer) -> None:
    """The lag is measured at intervals, even on an idle server."""
    growth = Growth(server)
    began = time.monotonic()
    eventually(lambda: growth.of("harmony_event_loop_lag_seconds_count") >= 3)
    # A measurement takes its interval, so the three took at least this long.
    elapsed = time.monotonic() - began
    assert elapsed > 3 * 0.15
    assert 0 <= growth.of("harmony_event_loop_lag_seconds_sum") < elapsed


def test_the_process(server: ObservedServer) -> None:
    """Memory, CPU and start time are those of the server's process; the version is exported."""
    process = psutil.Process(server.process.pid)
    samples = server.samples()
    resident = process.memory_info().rss
    assert samples.sum("process_resident_memory_bytes") == pytest.approx(resident, rel=0.1)
    assert samples.sum("process_cpu_seconds_total") > 0
    assert samples.sum("process_start_time_seconds") == pytest.approx(process.create_time(), abs=2)
    assert samples.sum("harmony_server_info", version="0.1.0") == 1


def test_names_follow_the_conventions(server: ObservedServer) -> None:
    """The metrics pass Prometheus' linter, with and without workers."""
    with observed_server("--workers", "2") as several:
        texts = [observed.samples().text for observed in (server, several)]
    for text in texts:
        result = subprocess.run(
            [tool("promtool"), "check", "metrics"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_an_address_in_use(server: ObservedServer) -> None:
    """If the metrics address is taken, the server exits with code 1 and one line that names it."""
    result = subprocess.run(
        serve_command("--listen", "127.0.0.1:0", "--metrics-listen", server.metrics),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert f"cannot start: cannot listen on {server.metrics}: Address already in use" in line
