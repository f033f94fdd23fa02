"""A rolling restart under load: one server after the other, without failed RPCs."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from harmony_client import Client
from tests.support.balancing_proxy import Proxy, running_envoy
from tests.support.load import Load
from tests.support.restartable_servers import Server, running_servers
from tests.support.round_robin import run_example, target
from tests.support.waiting import eventually

from .conftest import Report
from .scale import scaled

pytestmark = pytest.mark.long

_ROUNDS = 1
_MOST_ROUNDS = 8
# Longer than Envoy takes to notice; round_robin learns at once.
_DRAIN_SECONDS = 2
_STOP = ("--drain-seconds", str(_DRAIN_SECONDS), "--grace-seconds", "5")
_STOP_SECONDS = 60
_STOP_SOON = ("--drain-seconds", "0.5", "--grace-seconds", "5")


def _restart(server: Server) -> None:
    """Stops a server gracefully, and starts it again."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(_STOP_SECONDS) == 0
    server.start()


def _roll(
    servers: Sequence[Server], load: Load, until_back: Callable[[], None], report: Report
) -> None:
    """Restarts each server in turn; `until_back` waits until all servers get RPCs."""
    restarts = 0
    began = time.monotonic()
    for _ in range(scaled(_ROUNDS, _MOST_ROUNDS)):
        for server in servers:
            load.wait(renders=20, streams=4)
            _restart(server)
            restarts += 1
            until_back()
    report(
        f"{restarts} restarts in {time.monotonic() - began:.0f} s under {load.count:,} RPCs and "
        f"streams, {len(load.failures)} failed"
    )
    assert not load.failures


def _round_robin(stack: ExitStack, servers: Sequence[Server]) -> Client:
    """Returns a client that balances its RPCs over the servers."""
    names = run_example()
    names["channel"].close()
    service_config = ("grpc.service_config", json.dumps(names["SERVICE_CONFIG"]))
    addresses = target(server.address for server in servers)
    return stack.enter_context(Client(addresses, options=[service_config]))


def _until_each_renders(servers: Sequence[Server]) -> None:
    """Waits until each server has rendered since it started."""
    eventually(lambda: all(server.messages_rendered() for server in servers))


def test_behind_envoy(tmp_path: Path, report: Report) -> None:
    """Behind Envoy no RPC fails or is retried, and no stream is replayed."""
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers(*_STOP))
        proxy: Proxy = stack.enter_context(running_envoy(servers, tmp_path))
        client = stack.enter_context(Client(proxy.address))
        load = stack.enter_context(Load(client, replay=False))
        _roll(servers, load, lambda: proxy.wait_for_healthy(servers), report)
        assert proxy.retries() == 0


def test_behind_round_robin(report: Report) -> None:
    """With `round_robin` no RPC fails and no stream is replayed."""
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers(*_STOP_SOON))
        load = stack.enter_context(Load(_round_robin(stack, servers), replay=False))
        _roll(servers, load, lambda: _until_each_renders(servers), report)


def test_servers_with_workers(report: Report) -> None:
    """With two workers per server no RPC fails and no stream is replayed."""
    with ExitStack() as stack:
        servers = stack.enter_context(running_servers(*_STOP_SOON, "--workers", "2", count=2))
        load = stack.enter_context(Load(_round_robin(stack, servers), replay=False))
        _roll(servers, load, lambda: load.wait(renders=20, streams=4), report)
