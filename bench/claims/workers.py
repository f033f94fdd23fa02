"""Two workers on two cores process at least 1.7 times as many tokens as one."""

import asyncio
import os
import time
from dataclasses import dataclass

from devtools import material, requests

from .. import load
from ..compare import Comparison, Ratio, alternate, nanoseconds
from ..results import Goal, Row, costing, faster
from ..servers import Configuration, ServerProcess, harmony_server

# Large requests, so that the load, which runs on the same cores, costs little.
_SEQUENCES = 2048
# Short, because feeding the sequences up to their start takes most of the preparation.
_COMPLETION_LENGTH = 200
# The kernel spreads them at random; all go to one worker in only one of 128 rounds.
_CONNECTIONS = 8
_SECONDS = 1.0
# More than one connection can make in _SECONDS.
_STEPS = 1000
_ROUNDS = 9
# Room for two rounds on one worker: one may still be closing when the next opens.
_ARGUMENTS = ("--max-sequences", f"{2 * _CONNECTIONS * _SEQUENCES}")


@dataclass(frozen=True)
class _Run:
    """One run of the load.

    Attributes:
        tokens_per_second: The throughput in wall time.
        cpu_seconds_per_token: The server's CPU time.
        load_share: The load's CPU time as a share of the server's.
        connections: The number of connections of each worker.
    """

    tokens_per_second: float
    cpu_seconds_per_token: float
    load_share: float
    connections: list[int]


def measure() -> list[Row]:
    """Steps batches with one worker and with two, over new connections in each round."""
    script = requests.batch_script(
        [material.completion(seed, _COMPLETION_LENGTH) for seed in range(100)],
        open_count=_SEQUENCES,
        stepping=_SEQUENCES,
        steps=_STEPS,
    )
    ours: list[_Run] = []
    other: list[_Run] = []

    def seconds_per_token(server: ServerProcess, runs: list[_Run], number: int) -> float:
        run = asyncio.run(_run(server, script))
        if number:
            runs.append(run)
        return 1 / run.tokens_per_second

    with (
        harmony_server(Configuration(("--workers", "2", *_ARGUMENTS))) as two,
        harmony_server(Configuration(_ARGUMENTS)) as one,
    ):
        throughput = alternate(
            lambda number: seconds_per_token(two, ours, number),
            lambda number: seconds_per_token(one, other, number),
            _ROUNDS,
        )
    cost = Comparison(
        [run.cpu_seconds_per_token for run in ours], [run.cpu_seconds_per_token for run in other]
    )
    busier = Ratio.of([max(run.connections) / sum(run.connections) for run in ours])
    share = Ratio.of([run.load_share for run in ours])
    what = f"`ParseBatch`, {_CONNECTIONS} connections of {_SEQUENCES} sequences, `--workers 2`"
    return [
        faster(
            f"{what}: tokens a second on {os.cpu_count()} cores, shared with a load that takes"
            f" {share.median:.0%} of the server's CPU",
            f"{1 / throughput.ours:,.0f}",
            f"one worker {1 / throughput.other:,.0f}",
            throughput,
            Goal("at least", 1.7),
        ),
        costing(
            f"{what}: server CPU per token",
            nanoseconds(cost.ours),
            f"one worker {nanoseconds(cost.other)}",
            cost,
        ),
        Row(
            f"{what}: connections of the busier worker",
            f"{busier.median:.0%} ({busier.lowest:.0%} to {busier.highest:.0%})",
            "even spread 50%",
            "–",
        ),
    ]


async def _run(server: ServerProcess, script: requests.Script) -> _Run:
    channels = [load.channel_to(server) for _ in range(_CONNECTIONS)]
    streams = [load.open_stream(channel, load.PARSE_BATCH) for channel in channels]
    try:
        await asyncio.gather(*(load.exchange(stream, script.opening) for stream in streams))
        cpu, load_cpu = server.cpu_seconds(), time.process_time()
        begin = time.perf_counter()
        counts = await asyncio.gather(
            *(_step_until(stream, script, begin + _SECONDS) for stream in streams)
        )
        seconds = time.perf_counter() - begin
        cpu, load_cpu = server.cpu_seconds() - cpu, time.process_time() - load_cpu
        connections = server.connections()
    finally:
        for channel in channels:
            await channel.close()
    tokens = sum(counts) * _SEQUENCES
    return _Run(tokens / seconds, cpu / tokens, load_cpu / cpu, connections)


async def _step_until(stream: "load.ByteStream", script: requests.Script, deadline: float) -> int:
    for count, request in enumerate(script.steps):
        if time.perf_counter() >= deadline:
            return count
        await load.exchange(stream, [request])
    raise RuntimeError("the script has too few steps")
