"""The cost of a batch driven from Go, compared with the same steps from Python."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devtools import requests
from harmony_server import core

from .. import go_client, python_client
from ..batch_cost import SEQUENCES
from ..compare import Comparison, alternate, microseconds, nanoseconds
from ..results import Row, costing
from ..servers import ServerProcess, harmony_server

_STEPS = 1000
_ROUNDS = 9
_WHAT = f"`ParseBatch`, {SEQUENCES} sequences in lock step from the Go client"

# Makes a number of steps and returns their wall seconds.
_Steps = Callable[[int], float]


def measure() -> list[Row]:
    """Makes the same steps with both clients, on the machine of the server."""
    if not go_client.is_available():
        return [Row(f"{_WHAT}: skipped, Go is not installed", "–", "–", "–")]
    go_client.build()
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    texts = [encoding.decode_utf8(tokens) for tokens in requests.completions(100)]
    with tempfile.TemporaryDirectory() as folder, harmony_server() as server:
        path = Path(folder) / "completions.json"
        path.write_text(json.dumps(texts), encoding="utf-8")
        go = _Side(server, lambda n: go_client.step_batch(server.address, path, SEQUENCES, n))
        python = _Side(
            server, lambda n: python_client.step_batch(server.address, texts, SEQUENCES, n)
        )
        cpu = alternate(go.server_cpu_seconds_per_step, python.server_cpu_seconds_per_step, _ROUNDS)
    wall = Comparison(go.seconds_per_step, python.seconds_per_step)
    return [
        costing(
            f"{_WHAT}: wall time per token",
            nanoseconds(wall.ours / SEQUENCES),
            f"Python client {nanoseconds(wall.other / SEQUENCES)}",
            wall,
        ),
        costing(
            f"{_WHAT}: server CPU per step (per token)",
            _per_step_and_token(cpu.ours),
            f"Python client {_per_step_and_token(cpu.other)}",
            cpu,
        ),
    ]


class _Side:
    """One of the two clients, with its measurements.

    Attributes:
        seconds_per_step: The wall time of each round.
    """

    def __init__(self, server: ServerProcess, make_steps: _Steps) -> None:
        self.seconds_per_step: list[float] = []
        self._server = server
        self._make_steps = make_steps

    def server_cpu_seconds_per_step(self, number: int) -> float:
        """Runs a round; returns the server's CPU seconds per step."""
        # A run of one step has the same start (encoding, opening), which is subtracted.
        one = self._run(1)
        many = self._run(1 + _STEPS)
        if number:
            self.seconds_per_step.append(many.seconds / (1 + _STEPS))
        return (many.server_cpu_seconds - one.server_cpu_seconds) / _STEPS

    def _run(self, steps: int) -> "_Run":
        begin = self._server.cpu_seconds()
        seconds = self._make_steps(steps)
        return _Run(seconds, self._server.cpu_seconds() - begin)


@dataclass(frozen=True)
class _Run:
    """The wall time of a run's steps, and the server's CPU time for the whole run."""

    seconds: float
    server_cpu_seconds: float


def _per_step_and_token(seconds: float) -> str:
    return f"{microseconds(seconds)} ({nanoseconds(seconds / SEQUENCES)})"
