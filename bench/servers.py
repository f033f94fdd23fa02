"""Servers as processes of their own, and what they use."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from devtools.server_process import (
    listens_on,
    metrics_on,
    module_command,
    running,
    serve_command,
)

SERVE_COMMAND = serve_command("--listen", "127.0.0.1:0")


@dataclass(frozen=True)
class Configuration:
    """How a server is started, and what its clients need.

    Attributes:
        arguments: More arguments of `harmony-server serve`.
        variables: More of its environment.
        root_certificates: What its clients trust, PEM; None: they connect without TLS.
        metadata: What they send with each RPC.
        log: The file that gets its log; None: it goes where that of the benchmark goes.
    """

    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    root_certificates: bytes | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    log: Path | None = None

    def __or__(self, other: "Configuration") -> "Configuration":
        """Returns what has both; where they differ, the other's."""
        return Configuration(
            self.arguments + other.arguments,
            {**self.variables, **other.variables},
            other.root_certificates or self.root_certificates,
            self.metadata + other.metadata,
            other.log or self.log,
        )


class ServerProcess:
    """A running server, with its workers if it has any.

    Attributes:
        configuration: How it was started.
        address: Where it listens.
        metrics: Where its metrics are; None where it has none.
    """

    def __init__(
        self,
        pid: int,
        configuration: Configuration,
        address: str,
        metrics: str | None,
    ) -> None:
        self.configuration = configuration
        self.address = address
        self.metrics = metrics
        self._process = psutil.Process(pid)
        self._workers = self._process.children()

    def cpu_seconds(self) -> float:
        """The CPU time that its processes have used so far, all threads together."""
        return sum(_cpu_seconds(process.pid) for process in (self._process, *self._workers))

    def resident_bytes(self) -> int:
        """The memory it holds."""
        return int(self._process.memory_info().rss)

    def connections(self) -> list[int]:
        """How many connections each of its workers has."""
        return [_established(worker) for worker in self._workers or [self._process]]


@contextlib.contextmanager
def harmony_server(
    configuration: Configuration = Configuration(),  # it is frozen
) -> Iterator[ServerProcess]:
    """Runs the server under test; it serves when the block begins."""
    with _running([*SERVE_COMMAND, *configuration.arguments], configuration) as process:
        yield process


@contextlib.contextmanager
def floor_server(answer_bytes: int) -> Iterator[ServerProcess]:
    """Runs the server that does nothing."""
    command = module_command("bench.floor_server", "--answer-bytes", str(answer_bytes))
    with _running(command, Configuration()) as process:
        yield process


@contextlib.contextmanager
def _running(command: list[str], configuration: Configuration) -> Iterator[ServerProcess]:
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(configuration.log.open("w")) if configuration.log else None
        process = stack.enter_context(
            running(command, variables=configuration.variables, stderr=log)
        )
        address = listens_on(process)
        metrics = metrics_on(process) if "--metrics-listen" in command else None
        yield ServerProcess(process.pid, configuration, address, metrics)


def _established(process: psutil.Process) -> int:
    """Counts the TCP connections of a process."""
    connections = process.net_connections("tcp")
    return sum(connection.status == psutil.CONN_ESTABLISHED for connection in connections)


def _cpu_seconds(pid: int) -> float:
    """Reads a process's CPU clock, whose id Linux derives from the process id.

    As clock_getcpuclockid does; psutil's figure moves in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)
