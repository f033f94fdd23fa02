"""Open messages keep their text, and little else."""

from __future__ import annotations

import random

import grpc
import psutil
import pytest

from devtools import material
from devtools.server_process import running_server
from harmony_client.v1 import chat_pb2, parse_pb2
from harmony_server import core

from .conftest import Report
from .mixed_load import CHANNEL_OPTIONS, SERVICE

pytestmark = pytest.mark.long

_SEQUENCES = 2_000
_TOKENS = 4_000
_CONFIG = parse_pb2.ParseConfig(role=chat_pb2.ROLE_ASSISTANT)
_TIMEOUT_SECONDS = 300


@pytest.mark.parametrize(("at_once", "most_bytes_per_token"), [(1, 12), (100, 20)])
async def test_open_messages_keep_their_text(
    report: Report, at_once: int, most_bytes_per_token: float
) -> None:
    """The memory of open messages is bounded per token."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    header = encoding.encode("<|channel|>final<|message|>", allowed_special="all")
    prose = encoding.encode(material.prose(random.Random(0), 400))[:_TOKENS]
    opening = parse_pb2.ParseBatchRequest()
    for sequence_id in range(_SEQUENCES):
        opening.open.add(sequence_id=sequence_id, config=_CONFIG)
        opening.sequence_ids.extend([sequence_id] * len(header))
        opening.tokens.extend(header)
    steps = [_step(prose[begin : begin + at_once]) for begin in range(0, _TOKENS, at_once)]
    with running_server("--listen", "127.0.0.1:0") as (server, address):
        process = psutil.Process(server.pid)
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            batch: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
                f"{SERVICE}ParseBatch"
            )
            stream = batch(timeout=_TIMEOUT_SECONDS)
            for request in (opening.SerializeToString(), steps[0]):
                await stream.write(request)
                await stream.read()
            before = process.memory_info().rss
            for request in steps[1:]:
                await stream.write(request)
                await stream.read()
            growth = process.memory_info().rss - before
            stream.cancel()
    per_token = growth / (_SEQUENCES * (_TOKENS - at_once))
    report(
        f"{_SEQUENCES:,} open messages of {_TOKENS:,} tokens: memory grows by "
        f"{growth / 2**20:.0f} MiB, {per_token:.1f} bytes per token"
    )
    assert per_token < most_bytes_per_token


def _step(tokens: list[int]) -> bytes:
    """Returns a request that feeds the same tokens to every sequence."""
    step = parse_pb2.ParseBatchRequest()
    for sequence_id in range(_SEQUENCES):
        step.sequence_ids.extend([sequence_id] * len(tokens))
        step.tokens.extend(tokens)
    return step.SerializeToString()
