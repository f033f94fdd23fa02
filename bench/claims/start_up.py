"""The server starts in less than twice the time it takes to load the reference."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping

import grpc
from grpc_health.v1 import health_pb2

from devtools.server_process import listens_on, running
from harmony_server.core import vocabulary

from .. import reference
from ..compare import alternate, milliseconds
from ..results import Goal, Row, costing
from ..servers import SERVE_COMMAND

_ROUNDS = 7
_TIMEOUT_SECONDS = 60.0
_LOAD_REFERENCE = """
import openai_harmony
openai_harmony.load_harmony_encoding("HarmonyGptOss")
print("loaded", flush=True)
"""


def measure() -> list[Row]:
    """Starts both alternately: ours until health says SERVING, the reference until it is loaded."""
    with reference.vocabulary_folder() as folder:
        environment = {**os.environ, vocabulary.DIRECTORY_VARIABLE: folder}
        comparison = alternate(
            lambda _number: _seconds_to_serving(),
            lambda _number: _seconds_to_loaded(environment),
            _ROUNDS,
        )
    return [
        costing(
            "from process start to health SERVING",
            milliseconds(comparison.ours),
            f"Python loading the reference {milliseconds(comparison.other)}",
            comparison,
            Goal("under", 2),
        )
    ]


def _seconds_to_serving() -> float:
    begin = time.perf_counter()
    with running(SERVE_COMMAND) as process:
        address = listens_on(process)
        with grpc.insecure_channel(address) as channel:
            check: grpc.UnaryUnaryMultiCallable[
                health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
            ] = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                health_pb2.HealthCheckRequest.SerializeToString,
                health_pb2.HealthCheckResponse.FromString,
            )
            answer = check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_SECONDS)
        seconds = time.perf_counter() - begin
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise RuntimeError("the server announced its address before it served")
    return seconds


def _seconds_to_loaded(environment: Mapping[str, str]) -> float:
    begin = time.perf_counter()
    command = [sys.executable, "-c", _LOAD_REFERENCE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        seconds = time.perf_counter() - begin
    if line != "loaded":
        raise RuntimeError("the reference could not be loaded")
    return seconds
