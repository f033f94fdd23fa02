"""Random and mutated requests for every RPC: each is answered or refused as documented."""

from __future__ import annotations

import collections
import concurrent.futures
import random
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from .cases import case_count, generators, run_seed
from .documented import check_error, check_response
from .mutations import mutated
from .rpcs import Rpc, every_rpc
from .watched import MIB, WatchedServer, watched_server

# Without an answer by then the call hangs.
_DEADLINE_SECONDS = 60
_AT_ONCE = 16
# The render cache may fill, and each thread has an arena.
_MOST_GROWTH = 128 * MIB

_Call = Callable[[grpc.Channel, Rpc, random.Random], str]
_RPCS = every_rpc()
_UNARY = [rpc for rpc in _RPCS if not rpc.streams_responses]
_STREAMS = [rpc for rpc in _RPCS if rpc.streams_responses]


@pytest.fixture(scope="module")
def server() -> Iterator[WatchedServer]:
    """A server for this module alone."""
    with watched_server() as running:
        yield running


def test_unary_requests(server: WatchedServer) -> None:
    """A mutated unary request gets a response or a documented error; memory stays bounded."""
    outcomes = _run(server, "unary", _UNARY, _call_unary)
    # Otherwise too few cases get past the parser of requests.
    assert outcomes["OK"] > 0.05 * sum(outcomes.values())
    if case_count("unary") >= 2_000:
        assert {"MALFORMED_REQUEST", "INVALID_FIELD", "PARSE_FAILED"} <= set(outcomes)


def test_streams(server: WatchedServer) -> None:
    """A mutated stream gets a response per request until a documented error, or one more and OK."""
    outcomes = _run(server, "streams", _STREAMS, _call_stream)
    assert outcomes["OK"] > 0.05 * sum(outcomes.values())
    if case_count("streams") >= 1_000:
        assert {"MALFORMED_REQUEST", "OUT_OF_ORDER", "PARSE_FAILED"} <= set(outcomes)


def _run(
    server: WatchedServer, share: str, rpcs: list[Rpc], call: _Call
) -> collections.Counter[str]:
    """Runs the cases of a share, several at once, and counts the outcomes."""
    before = server.usage()
    seed = run_seed()
    with grpc.insecure_channel(server.address) as channel:

        def outcome(case: tuple[int, random.Random]) -> str:
            number, generator = case
            rpc = rpcs[number % len(rpcs)]
            try:
                return call(channel, rpc, generator)
            except AssertionError as error:
                error.add_note(f"case {number} of {share}, {rpc.path}")
                raise

        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
            outcomes = collections.Counter(threads.map(outcome, enumerate(generators(share, seed))))
    server.check_answers()
    server.check_log()
    assert server.usage().memory - before.memory < _MOST_GROWTH
    print(share, dict(outcomes.most_common()))
    return outcomes


def _call_unary(channel: grpc.Channel, rpc: Rpc, generator: random.Random) -> str:
    method: Any = channel.unary_unary(rpc.path)
    try:
        data = method(mutated(generator, rpc.requests), timeout=_DEADLINE_SECONDS)
    except grpc.RpcError as error:
        return check_error(error).reason
    check_response(rpc.response_type.FromString(data))
    return "OK"


def _call_stream(channel: grpc.Channel, rpc: Rpc, generator: random.Random) -> str:
    requests = _mutated_call(generator, rpc)
    count = 0
    if rpc.streams_requests:
        method: Any = channel.stream_stream(rpc.path)
        responses = method(iter(requests), timeout=_DEADLINE_SECONDS)
    else:
        method = channel.unary_stream(rpc.path)
        responses = method(requests[0], timeout=_DEADLINE_SECONDS)
    try:
        for data in responses:
            count += 1
            check_response(rpc.response_type.FromString(data))
            if rpc.endless:
                responses.cancel()
                return "OK"
    except grpc.RpcError as error:
        return check_error(error).reason
    # The Harmony service answers the half-close too.
    assert count == len(requests) + rpc.path.startswith("/harmony."), rpc.path
    return "OK"


def _mutated_call(generator: random.Random, rpc: Rpc) -> list[bytes]:
    """Returns a valid call with some requests mutated, inserted or removed."""
    requests = list(generator.choice(rpc.calls)) or [b""]
    if not rpc.streams_requests:
        return [mutated(generator, rpc.requests)]
    for _ in range(generator.choice((0, 1, 1, 2, 4))):
        index = generator.randrange(len(requests) + 1)
        match generator.randrange(4):
            case 0:
                requests[index : index + 1] = [mutated(generator, rpc.requests)]
            case 1:
                requests.insert(index, generator.choice(rpc.requests))
            case 2:
                del requests[index : index + 1]
            case _:
                original = requests[index : index + 1] or [b""]
                requests[index : index + 1] = [mutated(generator, original)]
    return requests
