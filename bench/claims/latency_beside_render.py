"""The latency of one caller's stream while another caller renders a 5 MB document."""

import asyncio
import contextlib
import multiprocessing
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Event

import grpc

from devtools import material, requests
from harmony_client.v1 import chat_pb2, service_pb2

from .. import load
from ..compare import Comparison, milliseconds
from ..results import Row, costing
from ..servers import Configuration, ServerProcess, floor_server, harmony_server

_DOCUMENT_BYTES = 5_000_000
_SERVER = Configuration(("--max-request-bytes", f"{2 * _DOCUMENT_BYTES}"))
_ROUND_TRIPS = 2000
_ROUNDS = 3
_START_SECONDS = 30.0


def measure() -> list[Row]:
    """Alternately measures round trips of a single-token stream, alone and during renders.

    The renders also occupy a core. A no-op server in its own process, which shares only the machine
    with them, shows the cost of that alone.
    """
    document = _document()
    quiet, busy, apart = [], [], []
    with harmony_server(_SERVER) as server, floor_server(answer_bytes=14) as floor:
        asyncio.run(_round_trips(server, load.PARSE))
        for _ in range(_ROUNDS):
            quiet.append(asyncio.run(_round_trips(server, load.PARSE)))
            with _renders(server, document):
                busy.append(asyncio.run(_round_trips(server, load.PARSE)))
                apart.append(asyncio.run(_round_trips(floor, load.FLOOR_STREAM)))
    rows = []
    for other, other_times in (
        ("no other caller", quiet),
        ("no-op server in its own process, same renders", apart),
    ):
        for name, percent in (("median", 50), ("p99", 99)):
            comparison = Comparison(
                [_percentile(times, percent) for times in busy],
                [_percentile(times, percent) for times in other_times],
            )
            rows.append(
                costing(
                    "single-token `Parse` round trip while another caller renders "
                    f"{_DOCUMENT_BYTES / 1e6:g} MB continuously, {name}",
                    milliseconds(comparison.ours),
                    f"{other} {milliseconds(comparison.other)}",
                    comparison,
                )
            )
    return rows


def _document() -> bytes:
    rng = random.Random(0)
    text = ""
    while len(text.encode()) < _DOCUMENT_BYTES:
        text += "\n\n".join(
            f"{material.prose(rng, 40)}\n\n{material.code(rng, 60)}" for _ in range(50)
        )
    message = chat_pb2.Message(
        author=chat_pb2.Author(role=chat_pb2.ROLE_USER),
        content=[chat_pb2.Content(text=chat_pb2.TextContent(text=text))],
    )
    return service_pb2.RenderRequest(message=message).SerializeToString()


async def _round_trips(server: ServerProcess, method: str) -> list[float]:
    tokens = material.completion(4, _ROUND_TRIPS + 100)
    [script] = requests.parse_scripts([tokens], _ROUND_TRIPS)
    times = []
    async with load.channel_to(server) as channel:
        stream = load.open_stream(channel, method)
        await load.exchange(stream, script.opening)
        for request in script.steps:
            begin = time.perf_counter()
            await load.exchange(stream, [request])
            times.append(time.perf_counter() - begin)
        stream.cancel()
    return times


@contextlib.contextmanager
def _renders(server: ServerProcess, document: bytes) -> Iterator[None]:
    """Keeps another process rendering the document while the block runs."""
    context = multiprocessing.get_context("spawn")
    started, stop = context.Event(), context.Event()
    caller = context.Process(
        target=_render_until, args=(server.address, document, started, stop), daemon=True
    )
    caller.start()
    try:
        if not started.wait(_START_SECONDS):
            raise RuntimeError("the rendering process did not start")
        yield
    finally:
        stop.set()
        caller.join()


def _render_until(address: str, document: bytes, started: Event, stop: Event) -> None:
    """Renders in a loop; runs in its own process."""
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(address, options=options) as channel:
        render: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(load.RENDER)
        render(document, timeout=load.TIMEOUT_SECONDS)
        started.set()
        while not stop.is_set():
            render(document, timeout=load.TIMEOUT_SECONDS)


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
