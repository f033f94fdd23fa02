"""Start-up and shutdown of a real server process."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping

import grpc
import pytest

from devtools.server_process import running_server, serve_command
from devtools.vocabulary_file import in_tiktoken_format
from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.failures import failure_of
from tests.support.messages import user
from tests.support.standard_services import NOT_SERVING, SERVING, health, watched_health
from tests.support.streams import ASSISTANT, LockStep, completed, config, tokens

_TIMEOUT_SECONDS = 60
_FILE = "o200k_base.tiktoken"


@contextlib.contextmanager
def _starting_server(
    *listen: str, variables: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Starts a server and does not wait until it serves."""
    command = serve_command(*(word for address in listen for word in ("--listen", address)))
    environment = {**os.environ, **(variables or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _assert_cannot_start(process: "subprocess.Popen[str]", problem: str) -> None:
    """Asserts that the server exits with code 1 and one line that says why."""
    assert process.stdout is not None
    assert process.stdout.readline() == ""
    _, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
    assert process.returncode == 1
    (line,) = errors.splitlines()
    assert problem in line


def _hello(channel: grpc.Channel) -> list[int]:
    request = service_pb2.RenderRequest(message=user("Hello"))
    answer = HarmonyServiceStub(channel).Render(
        request, timeout=_TIMEOUT_SECONDS, wait_for_ready=True
    )
    return list(answer.tokens)


# Stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_streams_finish(number: signal.Signals) -> None:
    """After a signal an open stream can finish; then the server exits with 0."""
    with running_server("--listen", "127.0.0.1:0") as (process, address):
        with grpc.insecure_channel(address) as channel:
            stub = HarmonyServiceStub(channel)
            stream = LockStep[parse_pb2.ParseRequest, parse_pb2.ParseResponse](stub.Parse)
            stream.ask(config(ASSISTANT))
            with watched_health(channel) as states:
                assert next(states).status == SERVING
                process.send_signal(number)
                assert next(states).status == NOT_SERVING
            stream.ask(tokens([200008, 87]))
            (last,) = stream.half_close()
            assert list(last.events) == [completed("x", (0, 0), (1, 2))]
        assert process.wait(timeout=_TIMEOUT_SECONDS) == 0


def test_an_endless_stream_does_not_block_shutdown(sockets: pathlib.Path) -> None:
    """When the grace period is over, the server ends open streams and exits without a traceback."""
    address = f"unix://{sockets}/harmony.sock"
    variables = {"HARMONY_GRACE_SECONDS": "0.5"}
    with (
        _starting_server(address, variables=variables) as process,
        grpc.insecure_channel(address) as channel,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {address}\n"
        stub = HarmonyServiceStub(channel)
        stream = LockStep[parse_pb2.ParseRequest, parse_pb2.ParseResponse](stub.Parse)
        stream.ask(config(ASSISTANT))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0
        assert "Traceback" not in errors
        _, failure = stream.half_close_failing()
        assert failure.code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_silently(number: signal.Signals) -> None:
    """After a signal an idle server exits with 0 and prints nothing to standard error."""
    with _starting_server("127.0.0.1:0") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
        process.send_signal(number)
        _, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0
        assert errors == ""


_BLOCKED = """
import time
print("blocked", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("module", ["click", "pydantic", "grpc"])
def test_a_signal_while_the_server_starts(
    number: signal.Signals, module: str, tmp_path: pathlib.Path
) -> None:
    """From the first import on, a signal is exit code 0 and nothing on standard error."""
    (tmp_path / f"{module}.py").write_text(_BLOCKED)
    with _starting_server("127.0.0.1:0", variables={"PYTHONPATH": _path_with(tmp_path)}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "blocked\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0
        assert errors == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_vocabulary_loads(
    number: signal.Signals, pipe: pathlib.Path, sockets: pathlib.Path
) -> None:
    """A server that is stopped before it listens ends once the vocabulary is loaded."""
    address = f"unix://{sockets}/harmony.sock"
    variables = {"TIKTOKEN_ENCODINGS_BASE": str(pipe.parent)}
    with (
        _starting_server(address, variables=variables) as process,
        grpc.insecure_channel(address) as channel,
    ):
        assert health(channel) == NOT_SERVING
        process.send_signal(number)
        _fill(pipe, in_tiktoken_format())
        _, errors = process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0
        assert errors == ""


def _path_with(folder: pathlib.Path) -> str:
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


# Addresses


def test_a_unix_socket(sockets: pathlib.Path) -> None:
    """A server can listen on a Unix socket."""
    address = f"unix://{sockets}/harmony.sock"
    with running_server("--listen", address) as (_, printed):
        assert printed == address
        with grpc.insecure_channel(address) as channel:
            assert _hello(channel) == [200006, 1428, 200008, 13225, 200007]


def test_several_addresses(sockets: pathlib.Path) -> None:
    """A server can listen on several addresses and prints each on its own line."""
    unix = f"unix://{sockets}/harmony.sock"
    with _starting_server("127.0.0.1:0", unix, "127.0.0.1:0") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(3)]
        assert all(line.startswith("listening on ") for line in lines)
        addresses = [line.removeprefix("listening on ") for line in lines]
        assert addresses[1] == unix
        assert len(set(addresses)) == 3
        for address in addresses:
            with grpc.insecure_channel(address) as channel:
                assert _hello(channel) == [200006, 1428, 200008, 13225, 200007]


def test_a_port_in_use() -> None:
    """If a port is taken, the server exits with code 1 and one line that names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with _starting_server(address) as process:
            _assert_cannot_start(process, f"cannot listen on {address}")


def test_the_port_of_another_server(server_address: str) -> None:
    """A second server cannot take the port of the first."""
    with _starting_server(server_address) as process:
        _assert_cannot_start(process, f"cannot listen on {server_address}")


def test_the_unix_socket_of_another_server(sockets: pathlib.Path) -> None:
    """A second server cannot take the Unix socket of the first."""
    address = f"unix://{sockets}/harmony.sock"
    with running_server("--listen", address), _starting_server(address) as process:
        _assert_cannot_start(process, f"cannot listen on {address}")


def test_a_unix_socket_in_a_missing_folder(sockets: pathlib.Path) -> None:
    """If a socket cannot be created, the server exits with code 1 and one line that names it."""
    address = f"unix://{sockets}/absent/too/harmony.sock"
    with _starting_server(address) as process:
        _assert_cannot_start(process, f"cannot listen on {address}")


# Vocabulary


def test_a_missing_vocabulary(tmp_path: pathlib.Path) -> None:
    """If the vocabulary file is missing, the server exits with code 1 and one line."""
    variables = {"TIKTOKEN_ENCODINGS_BASE": str(tmp_path)}
    with _starting_server("127.0.0.1:0", variables=variables) as process:
        _assert_cannot_start(process, f"cannot read vocabulary {tmp_path / _FILE}")


def _fill(pipe: pathlib.Path, data: bytes) -> None:
    """Writes into a named pipe that the server must read."""
    writer = threading.Thread(target=pipe.write_bytes, args=[data], daemon=True)
    writer.start()
    writer.join(_TIMEOUT_SECONDS)
    assert not writer.is_alive()


@pytest.fixture
def pipe(tmp_path: pathlib.Path) -> pathlib.Path:
    """A vocabulary file that the server cannot read until the test writes it."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    path = tmp_path / _FILE
    os.mkfifo(path)
    return path


def test_not_serving_until_the_vocabulary_is_loaded(
    pipe: pathlib.Path, sockets: pathlib.Path
) -> None:
    """Health is NOT_SERVING while the vocabulary loads, and calls wait; then it is SERVING."""
    address = f"unix://{sockets}/harmony.sock"
    variables = {"TIKTOKEN_ENCODINGS_BASE": str(pipe.parent)}
    with (
        _starting_server(address, variables=variables) as process,
        grpc.insecure_channel(address) as channel,
    ):
        for service in ("", "harmony.v1.HarmonyService"):
            assert health(channel, service) == NOT_SERVING
        stub = HarmonyServiceStub(channel)
        waiting = failure_of(lambda: stub.Encode(service_pb2.EncodeRequest(), timeout=0.2))
        assert waiting.code is grpc.StatusCode.DEADLINE_EXCEEDED
        with watched_health(channel) as states:
            assert next(states).status == NOT_SERVING
            _fill(pipe, in_tiktoken_format())
            assert next(states).status == SERVING
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {address}\n"
        assert _hello(channel) == [200006, 1428, 200008, 13225, 200007]


def test_a_wrong_vocabulary_is_never_served(pipe: pathlib.Path, sockets: pathlib.Path) -> None:
    """With the wrong vocabulary, health never becomes SERVING and the server exits with code 1."""
    address = f"unix://{sockets}/harmony.sock"
    variables = {"TIKTOKEN_ENCODINGS_BASE": str(pipe.parent)}
    with (
        _starting_server(address, variables=variables) as process,
        grpc.insecure_channel(address) as channel,
        watched_health(channel) as states,
    ):
        assert next(states).status == NOT_SERVING
        _fill(pipe, b"IQ== 0\n")
        failure = failure_of(lambda: [state for state in states if state.status == SERVING])
        assert failure.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        _assert_cannot_start(process, "is not o200k_base")
