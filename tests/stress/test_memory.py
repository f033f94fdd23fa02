"""The default limits keep a server's memory below 512 MiB, whatever it renders."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import grpc
import psutil
import pytest

from devtools import material
from devtools.server_process import running_server
from harmony_client.v1 import service_pb2
from tests.support.messages import conversation, user
from tests.support.operations import limits

from .conftest import Report
from .mixed_load import CHANNEL_OPTIONS, SERVICE
from .scale import scaled
from .vitals import watched_memory

pytestmark = pytest.mark.long

_BUDGET_MIB = 512
_LIMITS = limits()
# For what surrounds the text in a request.
_ENVELOPE_BYTES = 200
_ROUNDS = 1
_MOST_ROUNDS = 5
_TIMEOUT_SECONDS = 300


def _prose(rng: random.Random, size: int) -> str:
    """Returns ordinary prose."""
    text = ""
    while len(text.encode()) < size:
        text += material.prose(rng, 400)
    return text.encode()[:size].decode(errors="ignore")


def _rare(rng: random.Random, size: int) -> str:
    """Returns a text without breaks and with one token per byte, the most that is possible."""
    return "".join(map(chr, rng.choices(range(0x3400, 0x4DB0), k=size // 3)))


def _request(text: str, number: int) -> bytes:
    return service_pb2.RenderConversationRequest(
        conversation=conversation(user(f"{number} {text}"))
    ).SerializeToString()


@pytest.mark.parametrize("text_of", [_prose, _rare])
async def test_the_largest_requests_in_the_largest_number(
    text_of: Callable[[random.Random, int], str], report: Report
) -> None:
    """The most large requests, each of the largest size, stay below 512 MiB."""
    text = text_of(random.Random(0), _LIMITS.request_bytes - _ENVELOPE_BYTES)
    requests = [_request(text, number) for number in range(_LIMITS.large_requests.maximum)]
    assert _LIMITS.request_bytes * 0.99 < len(requests[0]) <= _LIMITS.request_bytes
    options = [*CHANNEL_OPTIONS, ("grpc.max_receive_message_length", -1)]
    with running_server("--listen", "127.0.0.1:0") as (server, address):
        process = psutil.Process(server.pid)
        idle = process.memory_info().rss / 2**20
        with watched_memory(process) as peak:
            async with grpc.aio.insecure_channel(address, options=options) as channel:
                render: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                    f"{SERVICE}RenderConversation"
                )
                for _ in range(scaled(_ROUNDS, _MOST_ROUNDS)):
                    calls = [render(request, timeout=_TIMEOUT_SECONDS) for request in requests]
                    # Raises if one is refused.
                    await asyncio.gather(*calls)
    report(
        f"{len(requests)} renders of {len(requests[0]) / 2**20:.1f} MiB at once: memory "
        f"{idle:.0f} MiB before, at most {peak.mib:.0f} MiB"
    )
    assert peak.mib < _BUDGET_MIB
