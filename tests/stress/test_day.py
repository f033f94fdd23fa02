"""A day of an inference server, measured in requests instead of hours."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence

import grpc
import psutil
import pytest

from devtools import material
from devtools.server_process import running_server
from harmony_client.v1 import chat_pb2, parse_pb2, service_pb2
from tests.support.messages import conversation, user

from .conftest import Report
from .mixed_load import CHANNEL_OPTIONS, SERVICE
from .scale import scaled
from .vitals import Vitals

pytestmark = pytest.mark.long

# The engine's batch size, its steps per second, and the tokens of a completion.
_SEQUENCES = 32
_STEPS_PER_SECOND = 10
_DAY_STEPS = 24 * 3600 * _STEPS_PER_SECOND
_LENGTH = 500

_CI_STEPS = _DAY_STEPS // 100
_PARTS = 10
_DAY_SECONDS = 3600
# The most that memory may grow between the first tenth and the last.
_MAX_GROWTH_MIB = 4.0
_CONFIG = parse_pb2.ParseConfig(role=chat_pb2.ROLE_ASSISTANT)


class _Engine:
    """An inference server that always decodes a full batch.

    All sequences have `_LENGTH` tokens and start at different offsets. After `_LENGTH` steps, a
    round, the batch is where it was, and the answers repeat.

    Attributes:
        steps: The number of steps so far.
        renders: The number of prompts rendered so far.
        seconds: The round trip of each step.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.steps = self.renders = 0
        self.seconds: list[float] = []
        self._render: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            f"{SERVICE}RenderConversationForCompletion"
        )
        step: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            f"{SERVICE}ParseBatch"
        )
        self._stream = step(timeout=_DAY_SECONDS)
        self._completions = [_completion(seed) for seed in range(_SEQUENCES)]
        self._round = [self._request(step) for step in range(_LENGTH)]
        self._requests: Iterator[tuple[int, bytes]] = itertools.cycle(enumerate(self._round))
        self._answers: list[bytes] = []

    async def begin(self) -> None:
        """Opens all sequences, and runs one round to learn its answers."""
        opening = parse_pb2.ParseBatchRequest()
        for sequence in range(_SEQUENCES):
            opening.open.add(sequence_id=sequence, config=_CONFIG)
            done = self._completions[sequence][: self._offset(sequence)]
            opening.sequence_ids.extend([sequence] * len(done))
            opening.tokens.extend(done)
        await self._ask(opening.SerializeToString())
        for _ in range(_LENGTH):
            _, request = next(self._requests)
            self._answers.append(await self._ask(request))
        assert b"ErrorInfo" not in b"".join(self._answers)

    async def run(self, steps: int) -> None:
        """Makes steps, and renders a prompt for each sequence that begins."""
        for _ in range(steps):
            index, request = next(self._requests)
            began = time.perf_counter()
            answer = await self._ask(request)
            self.seconds.append(time.perf_counter() - began)
            assert answer == self._answers[index]
            self.steps += 1
            if self.steps * _SEQUENCES // _LENGTH > self.renders:
                await self._render_prompt()

    async def end(self) -> None:
        """Half-closes the stream and reads it to its end."""
        await self._stream.done_writing()
        while await self._stream.read() is not grpc.aio.EOF:
            pass
        assert await self._stream.code() is grpc.StatusCode.OK

    async def _ask(self, request: bytes) -> bytes:
        await self._stream.write(request)
        answer = await self._stream.read()
        assert isinstance(answer, bytes), await self._stream.details()
        return answer

    async def _render_prompt(self) -> None:
        self.renders += 1
        prompt = conversation(user(f"Question {self.renders}: why does it rain in Oslo?"))
        request = service_pb2.RenderConversationForCompletionRequest(
            conversation=prompt, next_turn_role=chat_pb2.ROLE_ASSISTANT
        )
        assert await self._render(request.SerializeToString())

    def _offset(self, sequence: int) -> int:
        # At least 1, since all sequences are open before the first step.
        return sequence * _LENGTH // _SEQUENCES + 1

    def _request(self, step: int) -> bytes:
        request = parse_pb2.ParseBatchRequest()
        for sequence in range(_SEQUENCES):
            offset = (step + self._offset(sequence)) % _LENGTH
            if offset == 0:
                request.open.add(sequence_id=sequence, config=_CONFIG)
            request.sequence_ids.append(sequence)
            request.tokens.append(self._completions[sequence][offset])
            if offset == _LENGTH - 1:
                request.close.append(sequence)
        return request.SerializeToString()


def _completion(seed: int) -> Sequence[int]:
    """Returns a completion of exactly `_LENGTH` tokens: a longer one with its text cut."""
    tokens = material.completion(seed, _LENGTH + 150)
    assert len(tokens) >= _LENGTH
    return [*tokens[: _LENGTH - 1], tokens[-1]]


async def test_a_day(report: Report) -> None:
    """Memory and descriptors do not grow, and every answer is right."""
    steps = scaled(_CI_STEPS, _DAY_STEPS)
    listen = ("--listen", "127.0.0.1:0", "--render-cache-mib", "1")
    with running_server(*listen) as (server, address):
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            engine = _Engine(channel)
            await engine.begin()
            vitals = Vitals(psutil.Process(server.pid))
            began = time.monotonic()
            for _ in range(_PARTS):
                await engine.run(steps // _PARTS)
                vitals.look(engine.steps)
            took = time.monotonic() - began
            await asyncio.wait_for(engine.end(), 30)
    part = steps // _PARTS
    report(
        f"{engine.steps:,} steps of {_SEQUENCES} sequences and {engine.renders:,} renders in "
        f"{took:.0f} s, no error; {vitals.text()}"
    )
    report(f"round trip of a step in the first tenth: {_percentiles(engine.seconds[:part])}")
    report(f"round trip of a step in the last tenth: {_percentiles(engine.seconds[-part:])}")
    assert vitals.growth_mib() < _MAX_GROWTH_MIB, vitals.text()
    assert max(vitals.descriptors) <= min(vitals.descriptors) + 1


def _percentiles(seconds: Sequence[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms"
