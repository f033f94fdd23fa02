"""A real server and the checks that it must pass, whatever came over the wire."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from devtools.server_process import running_server
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.standard_services import SERVING, health

MIB = 1024 * 1024
_CALL_SECONDS = 20
_SETTLE_SECONDS = 30


@dataclass(frozen=True)
class Usage:
    """The resources of a process.

    Attributes:
        memory: Resident memory, bytes.
        descriptors: Open file descriptors.
    """

    memory: int
    descriptors: int


@dataclass(frozen=True)
class WatchedServer:
    """A running server.

    Attributes:
        process: Its process.
        address: Where it listens.
    """

    process: subprocess.Popen[str]
    address: str
    _log: Path
    _credentials: grpc.ChannelCredentials | None = None

    def usage(self) -> Usage:
        """Returns what the server uses now."""
        process = psutil.Process(self.process.pid)
        return Usage(process.memory_info().rss, process.num_fds())

    def settled_descriptors(self, at_most: int) -> int:
        """Waits, for a bounded time, until descriptors fall to `at_most`; returns their number."""
        end = time.monotonic() + _SETTLE_SECONDS
        while (count := self.usage().descriptors) > at_most and time.monotonic() < end:
            time.sleep(0.05)
        return count

    def check_answers(self) -> None:
        """Asserts that the server runs, is healthy and answers a new client correctly."""
        assert self.process.poll() is None, "the server is gone"
        with self.channel() as channel:
            check_answer(channel)
            assert health(channel) == SERVING

    def channel(self) -> grpc.Channel:
        """Returns a channel with its own connection."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        if self._credentials is None:
            return grpc.insecure_channel(self.address, options)
        return grpc.secure_channel(self.address, self._credentials, options)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Runs a client during the block that must get at least one answer, and only right ones."""
        stop = threading.Event()

        def call() -> int:
            calls = 0
            with self.channel() as channel:
                while not stop.wait(0.005) or not calls:
                    check_answer(channel)
                    calls += 1
            return calls

        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            calls = threads.submit(call)
            try:
                yield
            finally:
                stop.set()
            calls.result()

    def check_log(self) -> None:
        """Asserts that the log has only lines of the server, none above `info`.

        The exception is what gRPC prints when a client leaves before it is told that its path is
        not UTF-8.
        """
        lines = iter(self._log.read_text(encoding="utf-8").splitlines())
        for line in lines:
            if line == "Traceback (most recent call last):":
                raised = next(text for text in lines if not text.startswith(" "))
                assert raised.startswith("grpc._cython.cygrpc.ExecuteBatchError: "), raised
            else:
                assert json.loads(line)["level"] in ("debug", "info"), line


def check_answer(channel: grpc.Channel) -> None:
    """Asserts that a call gets the right answer."""
    request = service_pb2.EncodeRequest(text="Hello")
    answer = HarmonyServiceStub(channel).Encode(request, timeout=_CALL_SECONDS)
    assert list(answer.tokens) == [13225]


@contextlib.contextmanager
def watched_server(
    *arguments: str,
    address: str = "127.0.0.1:0",
    credentials: grpc.ChannelCredentials | None = None,
) -> Iterator[WatchedServer]:
    """Runs a server; at the end it must still answer, and its log must show no fault."""
    with (
        tempfile.NamedTemporaryFile(prefix="harmony-log-") as log,
        running_server("--listen", address, "--log-format", "json", *arguments, stderr=log) as (
            process,
            bound,
        ),
    ):
        server = WatchedServer(process, bound, Path(log.name), credentials)
        # Memory that the first call takes is not growth.
        server.check_answers()
        yield server
        server.check_answers()
        server.check_log()
