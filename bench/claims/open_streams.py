"""Each of a thousand open Parse streams takes less than 32 KiB of memory."""

import asyncio

from devtools import requests

from .. import load
from ..memory import kibibytes
from ..results import Goal, Row
from ..servers import ServerProcess, floor_server, harmony_server

_STREAMS = 1000
_STEPS = 20
# Opened before the first measurement, to exclude one-time allocations.
_WARM_UP_STREAMS = 20
_GOAL = Goal("under", 32, "KiB")


def measure() -> list[Row]:
    """Reads the server's memory before the streams open and after each has stepped."""
    completions = requests.completions(100)
    scripts = requests.parse_scripts(
        [completions[i % len(completions)] for i in range(_STREAMS)], _STEPS
    )
    with harmony_server() as server:
        ours = asyncio.run(_bytes_per_stream(server, load.PARSE, scripts))
    with floor_server(answer_bytes=10) as server:
        floor = asyncio.run(_bytes_per_stream(server, load.FLOOR_STREAM, scripts))
    return [
        Row(
            f"{_STREAMS:,} `Parse` streams open, each stepping: resident memory per stream",
            kibibytes(ours),
            f"no-op server {kibibytes(floor)}",
            f"{ours / floor:.2f} times",
            str(_GOAL),
            _GOAL.is_met(ours / 2**10),
        )
    ]


async def _bytes_per_stream(
    server: ServerProcess, method: str, scripts: list[requests.Script]
) -> float:
    async with load.channel_to(server) as channel:
        begin = 0
        streams = []
        for number, script in enumerate(scripts):
            if number == _WARM_UP_STREAMS:
                begin = server.resident_bytes()
            stream = load.open_stream(channel, method)
            await load.exchange(stream, script.opening)
            streams.append((stream, script.steps))
        await asyncio.gather(*(load.exchange(stream, steps) for stream, steps in streams))
        grown = server.resident_bytes() - begin
        for stream, _ in streams:
            stream.cancel()
    return grown / (len(scripts) - _WARM_UP_STREAMS)
