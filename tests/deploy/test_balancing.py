"""Several servers: the load is spread, and killing or stopping a server costs no RPC."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harmony_client import Client, Conversation, user
from harmony_client.v1 import service_pb2
from tests.support.balancing_proxy import CONFIGURATION, Proxy, running_envoy
from tests.support.load import Load
from tests.support.restartable_servers import Server, running_servers
from tests.support.round_robin import run_example, target
from tests.support.tools import envoy as envoy_path

DRAIN_SECONDS = 6
# Longer than a stream of the load takes.
STOP = ("--drain-seconds", str(DRAIN_SECONDS), "--grace-seconds", "5")


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Yields three servers."""
    with running_servers(*STOP) as running:
        yield running


@pytest.fixture
def envoy(servers: list[Server], tmp_path: Path) -> Iterator[Proxy]:
    """Yields Envoy in front of the servers."""
    with running_envoy(servers, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def round_robin(servers: list[Server]) -> Iterator[Client]:
    """Yields a client that balances round-robin."""
    names = run_example()
    names["channel"].close()
    service_config = ("grpc.service_config", json.dumps(names["SERVICE_CONFIG"]))
    with Client(target(server.address for server in servers), options=[service_config]) as client:
        yield client


def test_envoy_accepts_the_configuration() -> None:
    """The shipped configuration is valid, and nothing in it is deprecated."""
    command: list[str | Path] = [envoy_path(), "--mode", "validate", "--config-path", CONFIGURATION]
    validated = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert validated.returncode == 0, validated.stderr
    assert "[warning]" not in validated.stderr


def test_the_example_goes_round(servers: list[Server]) -> None:
    """The documented channel gives each server the same share."""
    names = run_example(target(server.address for server in servers))
    request = service_pb2.RenderConversationRequest(
        conversation=Conversation(messages=[user("Hi")])
    )
    with names["channel"]:

        def render(times: int) -> list[int]:
            for _ in range(times):
                names["stub"].RenderConversation(request, timeout=60, wait_for_ready=True)
            return [server.messages_rendered() for server in servers]

        # The channel begins with the first server that it is connected to.
        deadline = time.monotonic() + 60
        while not all(before := render(3)):
            assert time.monotonic() < deadline, before
        assert [now - then for now, then in zip(render(30), before, strict=True)] == [10, 10, 10]


@pytest.mark.long
def test_a_server_killed_behind_round_robin_costs_no_rpc(
    servers: list[Server], round_robin: Client
) -> None:
    """The channel retries unary RPCs, the client replays streams, and a new server gets load."""
    with Load(round_robin) as load:
        load.wait()
        victim, *others = servers
        victim.kill()
        assert_share(others, load)
        victim.start()
        assert_share(servers, load)
    assert not load.failures


def test_a_server_killed_behind_envoy_costs_no_rpc(servers: list[Server], envoy: Proxy) -> None:
    """Envoy retries unary RPCs, the client replays streams, and a new server gets load."""
    with Client(envoy.address) as client, Load(client) as load:
        load.wait()
        victim, *others = servers
        victim.kill()
        assert_share(others, load)
        # No RPC may have been in flight; Envoy uses the server until a health check fails.
        deadline = time.monotonic() + 5
        while envoy.retries() == 0 and time.monotonic() < deadline:
            load.wait(renders=10, streams=0)
        assert envoy.retries() > 0
        envoy.wait_for_healthy(others)
        victim.start()
        envoy.wait_for_healthy(servers)
        assert_share(servers, load)
    assert not load.failures


@pytest.mark.long
def test_a_server_that_stops_behind_round_robin_costs_no_rpc(
    servers: list[Server], round_robin: Client
) -> None:
    """On SIGTERM, a server reports NOT_SERVING and keeps serving until the channel has moved on."""
    with Load(round_robin, replay=False) as load:
        load.wait()
        stopping, *others = servers
        stopping.process.send_signal(signal.SIGTERM)
        load.wait(renders=10, streams=0)
        before = stopping.messages_rendered()
        load.wait(renders=10, streams=0)
        assert stopping.messages_rendered() == before
        assert_stops(stopping)
        assert_share(others, load)
    assert not load.failures


@pytest.mark.long
def test_a_server_that_stops_behind_envoy_costs_not_even_a_retry(
    servers: list[Server], envoy: Proxy
) -> None:
    """On SIGTERM, a server reports NOT_SERVING and keeps serving until Envoy has moved on."""
    with Client(envoy.address) as client, Load(client, replay=False) as load:
        load.wait()
        stopping, *others = servers
        stopping.process.send_signal(signal.SIGTERM)
        envoy.wait_for_healthy(others, DRAIN_SECONDS)
        assert stopping.process.poll() is None, "the server stopped before Envoy had moved on"
        assert_stops(stopping)
        assert_share(others, load)
        stopping.start()
        envoy.wait_for_healthy(servers)
        assert_share(servers, load)
        assert envoy.retries() == 0
    assert not load.failures


def assert_stops(server: Server) -> None:
    """Asserts that a server exits cleanly after SIGTERM."""
    assert server.process.wait(DRAIN_SECONDS + 60) == 0


def assert_share(servers: list[Server], load: Load) -> None:
    """Asserts that each server gets some of the load."""
    before = [server.messages_rendered() for server in servers]
    load.wait(renders=90)
    shares = [
        server.messages_rendered() - earlier
        for server, earlier in zip(servers, before, strict=True)
    ]
    # Envoy picks the less busy of two random servers, so even the busiest gets a ninth.
    assert all(shares), shares
