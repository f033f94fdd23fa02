"""Runs servers in their own processes, and reads their use of CPU and memory."""

import contextlib
import json
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
from harmony_server.process.transport import channel_options
from harmony_server.settings import Settings

SERVE_COMMAND = serve_command("--listen", "127.0.0.1:0")


@dataclass(frozen=True)
class Configuration:
    """The configuration of a server and its clients.

    Attributes:
        arguments: Additional arguments of `harmony-server serve`.
        variables: Additional environment variables.
        root_certificates: The PEM certificates that clients trust; None for clients without TLS.
        metadata: The metadata of each RPC.
        log: The log file; None for the benchmark's standard error.
    """

    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    root_certificates: bytes | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    log: Path | None = None

    def __or__(self, other: "Configuration") -> "Configuration":
        """Combines both; where they conflict, `other` wins."""
        return Configuration(
            self.arguments + other.arguments,
            {**self.variables, **other.variables},
            other.root_certificates or self.root_certificates,
            self.metadata + other.metadata,
            other.log or self.log,
        )


class ServerProcess:
    """A running server and its workers, if it has any.

    Attributes:
        configuration: The configuration it was started with.
        address: The address that it serves on.
        metrics: The address of its metrics; None if it has none.
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
        """Returns the CPU time that its processes have used so far, in all threads."""
        return sum(_cpu_seconds(process.pid) for process in (self._process, *self._workers))

    def resident_bytes(self) -> int:
        """Returns the resident memory of its main process."""
        return int(self._process.memory_info().rss)

    def connections(self) -> list[int]:
        """Returns the number of connections of each worker."""
        return [_established(worker) for worker in self._workers or [self._process]]


@contextlib.contextmanager
def harmony_server(
    configuration: Configuration = Configuration(),  # frozen, so safe to share
) -> Iterator[ServerProcess]:
    """Runs the server under test, and yields it once it serves."""
    with _running([*SERVE_COMMAND, *configuration.arguments], configuration) as process:
        yield process


@contextlib.contextmanager
def floor_server(answer_bytes: int) -> Iterator[ServerProcess]:
    """Runs the server that does nothing, with the real server's channel options."""
    options = json.dumps([*channel_options(Settings.model_validate({})), ("grpc.so_reuseport", 0)])
    command = module_command(
        "bench.floor_server", "--options", options, "--answer-bytes", str(answer_bytes)
    )
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

    This is what clock_getcpuclockid does; psutil's figure has steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)
