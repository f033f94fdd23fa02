"""A stream's tokens arrive in time beside requests that are made to hold the server up."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from devtools.server_process import running_server
from harmony_client import Client
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.messages import message, text, with_parameters

from .conftest import Report

pytestmark = pytest.mark.long

_TIMEOUT_SECONDS = 120
# A request that is not cut holds the server up for most of its time. A quiet machine needs far less
# than this, but it may be busy.
_LONGEST_SHARE = 0.25
_LONGEST_SECONDS = 0.25
_QUIET_TOKENS = 200


def _encode(value: str) -> Callable[[HarmonyServiceStub], object]:
    request = service_pb2.EncodeRequest(text=value)
    return lambda stub: stub.Encode(request, timeout=_TIMEOUT_SECONDS)


def _schema(schema: object) -> Callable[[HarmonyServiceStub], object]:
    request = service_pb2.RenderRequest(message=with_parameters(json.dumps(schema)))
    return lambda stub: stub.Render(request, timeout=_TIMEOUT_SECONDS)


def _batch(request: parse_pb2.ParseBatchRequest) -> Callable[[HarmonyServiceStub], object]:
    return lambda stub: list(stub.ParseBatch(iter([request]), timeout=_TIMEOUT_SECONDS))


def _recovering_header(stub: HarmonyServiceStub) -> object:
    # 112 dashes each.
    config = parse_pb2.ParseConfig(
        role=chat_pb2.ROLE_ASSISTANT, options=parse_pb2.ParseOptions(recover=True)
    )
    tokens = parse_pb2.TokenIds(tokens=[200005, *[182513] * 4094])
    requests = [parse_pb2.ParseRequest(config=config), parse_pb2.ParseRequest(tokens=tokens)]
    return list(stub.Parse(iter(requests), timeout=_TIMEOUT_SECONDS))


_REQUESTS: dict[str, Callable[[HarmonyServiceStub], object]] = {
    "510,000 spaces": _encode(" " * 510_000),
    "5.2 million spaces": _encode(" " * 5_200_000),
    "5.2 million spaces and tabs": _encode(" \t" * 2_600_000),
    "1.7 million no-break spaces": _encode("\xa0" * 1_700_000),
    "5.2 million line ends behind a sign": _encode("!" + "\n" * 5_200_000),
    "5.2 million letters": _encode("abcdefghijklm" * 400_000),
    "5.2 million dashes": _encode("-" * 5_200_000),
    "a name of blanks": lambda stub: stub.Render(
        service_pb2.RenderRequest(
            message=message(chat_pb2.ROLE_TOOL, text("x"), name=" " * 1_000_000)
        ),
        timeout=_TIMEOUT_SECONDS,
    ),
    "JSON of 260,000 lists": _schema({"enum": [[]] * 260_000}),
    "JSON of 260,000 floats": _schema({"enum": [1.25] * 260_000}),
    "JSON of too many lists": _schema({"enum": [[]] * 1_200_000}),
    "JSON of one long string": _schema({"description": "x" * 5_000_000}),
    "8,100 unknown sequences to close": _batch(parse_pb2.ParseBatchRequest(close=range(8100))),
    "3,000 unknown sequences to step": _batch(
        parse_pb2.ParseBatchRequest(sequence_ids=range(3000), tokens=[1] * 3000)
    ),
    "a header of 4,095 long tokens": _recovering_header,
}


@pytest.mark.parametrize("name", _REQUESTS)
def test_tokens_beside_a_request(name: str, report: Report) -> None:
    """The longest wait for a token is far below the request's own time."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with (
        running_server("--listen", "127.0.0.1:0") as (_, address),
        grpc.insecure_channel(address, options) as channel,
        Client(address) as client,
        client.open_parse() as stream,
    ):
        stream.feed([200008])
        quiet = sorted(_round_trip(stream.feed) for _ in range(_QUIET_TOKENS))

        def call() -> None:
            # Some are refused, after work.
            with contextlib.suppress(grpc.RpcError):
                _REQUESTS[name](HarmonyServiceStub(channel))

        caller = threading.Thread(target=call)
        begin = time.perf_counter()
        caller.start()
        waits: list[float] = []
        while caller.is_alive():
            waits.append(_round_trip(stream.feed))
        seconds = time.perf_counter() - begin
    waits.sort()
    p99 = waits[len(waits) * 99 // 100]
    report(
        f"{name}: {seconds * 1000:.0f} ms; a token meanwhile p99 {p99 * 1000:.1f} ms, at most "
        f"{waits[-1] * 1000:.1f} ms (alone {quiet[-2] * 1000:.1f} ms)"
    )
    assert waits[-1] < _LONGEST_SECONDS + _LONGEST_SHARE * seconds


def _round_trip(feed: Callable[[list[int]], object]) -> float:
    begin = time.perf_counter()
    feed([87])
    return time.perf_counter() - begin
