"""The log of a real server: lines for RPCs and faults, and never the content of a request."""

from __future__ import annotations

import concurrent.futures
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.encodings import encode
from tests.support.failures import failure_of
from tests.support.messages import user
from tests.support.observed_servers import ObservedServer, observed_server
from tests.support.streams import ASSISTANT, batch, config, parse, parse_failing, tokens
from tests.support.waiting import eventually

_JSON = ("--log-format", "json")
_DEBUG = ("--log-level", "debug")
_SECRET = "What the user asked"
_TIMEOUT_SECONDS = 30
_COMPLETION = encode("<|channel|>final<|message|>It rains.<|return|>")

# Unexpected faults in an otherwise unchanged server.
_BROKEN = f"""
from harmony_server.service.parse_stream import ParseStream
from harmony_server.operations.operations import Operations

def fail(*_):
    raise RuntimeError({_SECRET!r})

Operations.encode = fail
ParseStream.answer = fail
"""

# Faults outside RPCs, with the server's own logging configuration.
_OUTSIDE_OF_RPCS = f"""
import asyncio, gc, logging, threading, warnings
from harmony_server.telemetry import logs

logs.configure("json", "info")

async def fail(text):
    raise RuntimeError(text)

async def main():
    task = asyncio.create_task(fail({_SECRET!r}))
    await asyncio.sleep(0.01)
    del task
    gc.collect()

asyncio.run(main())
thread = threading.Thread(target=lambda: asyncio.run(fail({_SECRET!r})))
thread.start()
thread.join()
warnings.warn("a library's warning")
raise RuntimeError({_SECRET!r})
"""


def _rpcs(server: ObservedServer, count: int) -> list[dict[str, Any]]:
    """Waits for `count` lines about RPCs, and returns them."""

    def found() -> list[dict[str, Any]]:
        return [entry for entry in server.log_entries() if entry["event"] == "rpc"]

    eventually(lambda: len(found()) >= count)
    assert len(found()) == count
    return found()


def test_a_finished_rpc_is_one_line() -> None:
    """A line has an RPC's method, code, duration, peer and id, the client's or a new one."""
    with (
        observed_server(*_JSON, *_DEBUG) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        request = service_pb2.GetEncodingRequest()
        stub.GetEncoding(request, metadata=(("x-request-id", "request-7"),))
        stub.GetEncoding(request)
        failure_of(lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[300_000])))
        parse(stub, config(ASSISTANT), tokens(_COMPLETION))
        parse_failing(stub, config(ASSISTANT), config(ASSISTANT))
        lines = _rpcs(server, 5)
        libraries = {
            entry["logger"] for entry in server.log_entries() if "harmony" not in entry["logger"]
        }
    assert [(line["method"], line["code"]) for line in lines] == [
        ("GetEncoding", "OK"),
        ("GetEncoding", "OK"),
        ("Decode", "INVALID_ARGUMENT"),
        ("Parse", "OK"),
        ("Parse", "INVALID_ARGUMENT"),
    ]
    # asyncio logs its selector once; gRPC's own lines about RPCs are left out.
    assert libraries == {"asyncio"}
    ids = [line["request_id"] for line in lines]
    assert ids[0] == "request-7"
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids[1:])
    assert len(set(ids)) == len(ids)
    for line in lines:
        assert line["level"] == "debug"
        assert line["logger"] == "harmony_server.rpc"
        assert 0 < line["milliseconds"] < 1000 * _TIMEOUT_SECONDS
        assert line["peer"].startswith("ipv4:127.0.0.1:")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_a_healthy_server_logs_nothing(workers: tuple[str, ...]) -> None:
    """By default the log has no lines for RPCs that succeed or fail through their client."""
    with (
        observed_server(*_JSON, *workers) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        stub.GetEncoding(service_pb2.GetEncodingRequest())
        failure_of(lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[300_000])))
        assert server.stop() == 0
        assert server.log_entries() == []


def test_the_log_has_no_text_and_no_tokens() -> None:
    """The log never repeats text or token ids of a request, whether it succeeds or fails."""
    valid, invalid = 187_654, 1_987_654
    with (
        observed_server(*_JSON, *_DEBUG) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        completion = [*encode("<|channel|>final<|message|>"), valid, *encode(_SECRET)]
        stub.Encode(service_pb2.EncodeRequest(text=_SECRET))
        stub.Render(service_pb2.RenderRequest(message=user(_SECRET)))
        stub.Decode(service_pb2.DecodeRequest(tokens=[valid]))
        failure_of(lambda: stub.Decode(service_pb2.DecodeRequest(tokens=[valid, invalid])))
        failure_of(lambda: stub.Encode(service_pb2.EncodeRequest(text=f"{_SECRET}<|end|>")))
        parse(stub, config(ASSISTANT), tokens(completion))
        failure = parse_failing(stub, config(), tokens([valid]))
        assert str(valid) in str(failure)
        batch(stub, parse_pb2.ParseBatchRequest(sequence_ids=[1], tokens=[valid]))
        _rpcs(server, 8)
        # These vary, and may have any digits.
        varying = {"timestamp", "milliseconds", "peer", "request_id"}
        said = [
            {key: value for key, value in entry.items() if key not in varying}
            for entry in server.log_entries()
        ]
    for secret in (_SECRET, str(valid), str(invalid), "<|end|>"):
        assert secret not in str(said)


def test_concurrent_rpcs_keep_their_ids() -> None:
    """Concurrent RPCs, in threads and outside, each have their own id in the log."""
    large = "It rains in Oslo. " * 2000
    with (
        observed_server(*_JSON, *_DEBUG) as server,
        grpc.insecure_channel(server.address) as channel,
        concurrent.futures.ThreadPoolExecutor(8) as threads,
    ):
        stub = HarmonyServiceStub(channel)

        def encode(number: int) -> None:
            request = service_pb2.EncodeRequest(text=large if number % 2 else "Hello")
            stub.Encode(request, metadata=(("x-request-id", f"encode-{number}"),))

        def decode(number: int) -> None:
            request = service_pb2.DecodeRequest(tokens=[300_000])
            metadata = (("x-request-id", f"decode-{number}"),)
            failure_of(lambda: stub.Decode(request, metadata=metadata))

        calls = [threads.submit(call, number) for number in range(40) for call in (encode, decode)]
        for call in calls:
            call.result()
        lines = _rpcs(server, len(calls))
    assert len({line["request_id"] for line in lines}) == len(calls)
    for line in lines:
        method, _ = line["request_id"].split("-")
        assert line["method"].lower() == method


def test_a_fault_is_logged_without_its_text(tmp_path: Path) -> None:
    """The log has a fault's type and place but not its text; the client gets only the line's id."""
    (tmp_path / "sitecustomize.py").write_text(_BROKEN)
    with (
        observed_server(*_JSON, variables={"PYTHONPATH": str(tmp_path)}) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        stub = HarmonyServiceStub(channel)
        request = service_pb2.EncodeRequest(text=_SECRET)
        unary = failure_of(lambda: stub.Encode(request))
        stream = failure_of(lambda: list(stub.Parse(iter([config(ASSISTANT)]))))
        lines = _rpcs(server, 2)
        faults = [entry for entry in server.log_entries() if entry["event"] != "rpc"]
    assert _SECRET not in _text(faults + lines)
    assert [line["code"] for line in lines] == ["INTERNAL"] * 2
    for failure, line, fault in zip((unary, stream), lines, faults, strict=True):
        assert failure.code is grpc.StatusCode.INTERNAL
        assert _SECRET not in str(failure)
        assert {fault["level"], line["level"]} == {"error"}
        assert failure.metadata["request_id"] == line["request_id"] == fault["request_id"]
        assert fault["error"] == "RuntimeError"
        assert any(re.search(r"sitecustomize\.py:\d+ in fail$", frame) for frame in fault["where"])


def _text(lines: list[dict[str, Any]]) -> str:
    return "\n".join(map(str, lines))


def test_uncaught_exceptions_are_logged_without_their_text() -> None:
    """Exceptions in tasks, threads and the main program are one JSON line without their text."""
    result = subprocess.run(
        [sys.executable, "-c", _OUTSIDE_OF_RPCS],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )
    assert result.returncode == 1
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert [
        (entry["event"].split(":")[0], entry["level"], entry.get("error")) for entry in lines
    ] == [
        ("Task exception was never retrieved", "error", "RuntimeError"),
        ("uncaught exception", "critical", "RuntimeError"),
        (lines[2]["event"].split(":")[0], "warning", None),
        ("uncaught exception", "critical", "RuntimeError"),
    ]
    assert "a library's warning" in lines[2]["event"]
    assert _SECRET not in result.stderr
    assert "Traceback" not in result.stderr


def test_the_text_format_has_the_same_fields() -> None:
    """The text format has one line per RPC with the same fields."""
    with (
        observed_server(*_DEBUG) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        request = service_pb2.GetEncodingRequest()
        metadata = (("x-request-id", "request-7"),)
        HarmonyServiceStub(channel).GetEncoding(request, metadata=metadata)
        eventually(lambda: "request-7" in server.log())
        (line,) = [line for line in server.log().splitlines() if "request-7" in line]
    for part in ("[debug", "rpc", "method=GetEncoding", "code=OK", "milliseconds=", "peer=ipv4:"):
        assert part in line
