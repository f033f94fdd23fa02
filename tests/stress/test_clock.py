"""The wall clock jumps by hours, back and forth, while the server serves."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from devtools.certificates import Authority
from harmony_client import Client, Unauthenticated
from harmony_client.v1 import parse_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.failures import failure_of
from tests.support.load import Load
from tests.support.observed_servers import ObservedServer, observed_server
from tests.support.streams import ASSISTANT, config, tokens
from tests.support.waiting import eventually

from .conftest import Report
from .faked_clock import FakedClock
from .scale import scaled

_JUMPS = (6.0, -6.0, 0.0)
_ROUNDS = 1
_MOST_ROUNDS = 20
_DEADLINE_SECONDS = 1.5
# Longer than the test, shorter than a jump.
_SETTINGS = ("--stream-idle-timeout-seconds", "60", "--max-connection-age-seconds", "600")
_LOG = ("--log-format", "json", "--log-level", "debug")


@pytest.fixture
def clock(tmp_path: Path) -> FakedClock:
    """The server's clock."""
    return FakedClock(tmp_path)


@pytest.fixture
def server(clock: FakedClock) -> Iterator[ObservedServer]:
    """A server that uses that clock."""
    with observed_server(*_SETTINGS, *_LOG, variables=clock.variables) as running:
        yield running
        assert running.stop() == 0


def _hours_of_last_entry(server: ObservedServer) -> float:
    """Returns by how many hours the newest log line is ahead of this process's clock."""
    logged = datetime.datetime.fromisoformat(server.log_entries()[-1]["timestamp"])
    return (logged - datetime.datetime.now(datetime.UTC)).total_seconds() / 3600


@pytest.mark.long
def test_streams_and_rpcs_go_on(clock: FakedClock, server: ObservedServer, report: Report) -> None:
    """No RPC fails, no stream ends as idle and no connection as old; the log follows the clock."""
    with Client(server.address) as client, client.open_parse(role="assistant") as idle:
        idle.feed([200008])
        with Load(client, replay=False) as load:
            jumps = 0
            for _ in range(scaled(_ROUNDS, _MOST_ROUNDS)):
                for hours in _JUMPS:
                    load.wait(renders=10, streams=4)
                    clock.jump(hours)
                    jumps += 1
                    load.wait(renders=10, streams=4)
                    assert abs(_hours_of_last_entry(server) - hours) < 0.1
        assert not load.failures
        idle.feed([87])
        assert idle.finish()
    report(f"{jumps} jumps under {load.count:,} RPCs and streams, {len(load.failures)} failed")
    assert "RESOURCE_EXHAUSTED" not in server.log()
    # No measured duration contains a jump or is negative.
    samples = server.samples()
    assert samples.sum("grpc_server_handling_seconds_sum") < 300
    assert samples.sum("harmony_event_loop_lag_seconds_sum") < 300
    entries = [entry for entry in server.log_entries() if "milliseconds" in entry]
    assert all(0 <= entry["milliseconds"] < 60_000 for entry in entries)


def test_deadlines_are_kept(clock: FakedClock, server: ObservedServer) -> None:
    """A jump of the clock neither shortens nor lengthens a deadline."""

    def requests(hours: float) -> Iterator[parse_pb2.ParseRequest]:
        yield config(ASSISTANT)
        yield tokens([200008])
        clock.jump(hours)
        for _ in range(100):
            time.sleep(0.1)
            yield tokens([87])

    with grpc.insecure_channel(server.address) as channel:
        stub = HarmonyServiceStub(channel)
        for hours in _JUMPS:
            began = time.monotonic()
            received: list[parse_pb2.ParseResponse] = []
            # Only the server enforces this deadline: the client's clock does not jump.
            deadline = (("grpc-timeout", f"{_DEADLINE_SECONDS * 1000:.0f}m"),)
            responses = stub.Parse(requests(hours), metadata=deadline)
            failure = failure_of(lambda: received.extend(responses))  # noqa: B023  # called at once
            assert failure.code is grpc.StatusCode.DEADLINE_EXCEEDED
            # Far less than a jump, so that a slow machine does not matter.
            assert _DEADLINE_SECONDS * 0.9 < time.monotonic() - began < 60
            assert len(received) > 3
    eventually(lambda: server.samples().rpcs("Parse") == {"DEADLINE_EXCEEDED": len(_JUMPS)})


def test_secrets_are_rotated(clock: FakedClock, tmp_path: Path) -> None:
    """New certificates and tokens take effect soon, whatever the age of their files."""
    authority = Authority()
    certificate, key = authority.issue("first").write(tmp_path, "server")
    allowed = tmp_path / "tokens"
    allowed.write_text("token-0")
    settings = ["--tls-certificate", certificate, "--tls-key", key]
    settings += ["--auth-token-file", str(allowed)]

    def connect(address: str, token: str) -> Client:
        return Client(
            address,
            credentials=grpc.ssl_channel_credentials(authority.certificate),
            metadata=[("authorization", f"Bearer {token}")],
            options=[("grpc.use_local_subchannel_pool", 1)],
        )

    def is_admitted(address: str, token: str) -> bool:
        with connect(address, token) as client:
            try:
                return client.encode("Hello") == [13225]
            except Unauthenticated:
                return False

    with (
        observed_server(*settings, *_LOG, variables=clock.variables) as server,
        ExitStack() as stack,
    ):
        open_since_the_beginning = stack.enter_context(connect(server.address, "token-0"))
        stream = stack.enter_context(open_since_the_beginning.open_parse(role="assistant"))
        stream.feed([200008])
        for number, hours in enumerate(_JUMPS, start=1):
            clock.jump(hours)
            allowed.write_text(f"token-{number}")
            authority.issue(f"number {number}").write(tmp_path, "server")
            token = f"token-{number}"
            eventually(lambda token=token: is_admitted(server.address, token))  # type: ignore[misc]
            with (
                connect(server.address, f"token-{number - 1}") as client,
                pytest.raises(Unauthenticated),
            ):
                client.encode("Hello")
        assert server.log().count("reloaded the TLS certificate") == len(_JUMPS)
        stream.feed([87])
        assert stream.finish()
