"""Real servers whose metrics and log can be read."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.server_process import listens_on, metrics_on, running, serve_command
from tests.support.samples import Samples

_STOP_SECONDS = 60
_METRICS = ("--metrics-listen", "127.0.0.1:0")


@dataclass(frozen=True)
class ObservedServer:
    """A running server.

    Attributes:
        process: Its process.
        address: The address that it listens on.
        metrics: The address of its metrics.
    """

    process: subprocess.Popen[str]
    address: str
    metrics: str
    _log: Path

    def samples(self) -> Samples:
        """Scrapes its metrics."""
        return Samples.scrape(self.metrics)

    def log(self) -> str:
        """Returns its log so far."""
        return self._log.read_text(encoding="utf-8")

    def log_entries(self) -> list[dict[str, Any]]:
        """Returns the log's lines, each of which must be a JSON object."""
        return [json.loads(line) for line in self.log().splitlines()]

    def stop(self) -> int:
        """Stops the server and returns its exit code."""
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)


@contextlib.contextmanager
def observed_server(
    *arguments: str, variables: Mapping[str, str] | None = None
) -> Iterator[ObservedServer]:
    """Runs a server with metrics, and yields it once it serves.

    Args:
        arguments: Arguments of the command.
        variables: Environment variables to add.
    """
    command = serve_command("--listen", "127.0.0.1:0", *_METRICS, *arguments)
    with (
        tempfile.NamedTemporaryFile(prefix="harmony-log-") as log,
        running(command, variables=variables, stderr=log) as process,
    ):
        yield ObservedServer(process, listens_on(process), metrics_on(process), Path(log.name))
