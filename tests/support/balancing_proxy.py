"""Envoy with the shipped configuration, at addresses of the test."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.support.restartable_servers import Server
from tests.support.tools import ROOT, envoy

CONFIGURATION = ROOT / "deploy" / "envoy" / "balance.yaml"
_TIMEOUT_SECONDS = 60


class Proxy:
    """A running Envoy.

    Attributes:
        address: The address for clients.
    """

    def __init__(self, admin: str) -> None:
        self._admin = admin
        (listener,) = self._ask("listeners")["listener_statuses"]
        bound = listener["local_address"]["socket_address"]
        self.address = f"{bound['address']}:{bound['port_value']}"

    def healthy(self) -> set[str]:
        """Returns the addresses of the servers that receive RPCs."""
        (cluster,) = self._ask("clusters")["cluster_statuses"]
        healthy = set()
        for host in cluster.get("host_statuses", ()):
            status = dict(host["health_status"])
            if status.pop("eds_health_status") == "HEALTHY" and not status:
                bound = host["address"]["socket_address"]
                healthy.add(f"{bound['address']}:{bound['port_value']}")
        return healthy

    def wait_for_healthy(self, servers: Iterable[Server], seconds: float = 60) -> None:
        """Waits until exactly these servers receive RPCs."""
        addresses = {server.address for server in servers}
        deadline = time.monotonic() + seconds
        while (healthy := self.healthy()) != addresses:
            assert time.monotonic() < deadline, f"healthy after {seconds} s: {healthy}"
            time.sleep(0.05)

    def retries(self) -> int:
        """Returns the number of RPCs that were retried on another server."""
        (counter,) = self._ask("stats", filter="^cluster.harmony.upstream_rq_retry$")["stats"]
        return int(counter["value"])

    def _ask(self, page: str, **query: str) -> Any:
        url = f"http://{self._admin}/{page}?{urllib.parse.urlencode({'format': 'json', **query})}"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)


@contextmanager
def running_envoy(servers: Sequence[Server], folder: Path) -> Iterator[Proxy]:
    """Runs Envoy in front of servers, and yields it once all of them receive RPCs."""
    configuration = folder / "balance.yaml"
    configuration.write_text(yaml.safe_dump(_at(servers)), encoding="utf-8")
    admin = folder / "admin"
    command = [envoy(), "--config-path", configuration, "--admin-address-path", admin]
    # Without hot restart there is no shared memory, so several Envoys can run at once.
    command += ["--disable-hot-restart", "--concurrency", "1", "--log-path", folder / "envoy.log"]
    with subprocess.Popen([str(part) for part in command]) as process:
        try:
            deadline = time.monotonic() + _TIMEOUT_SECONDS
            while not (admin.exists() and admin.read_text(encoding="utf-8")):
                assert process.poll() is None, (folder / "envoy.log").read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "Envoy did not start"
                time.sleep(0.05)
            proxy = Proxy(admin.read_text(encoding="utf-8"))
            proxy.wait_for_healthy(servers)
            yield proxy
        finally:
            process.terminate()
            process.wait(_TIMEOUT_SECONDS)


def _at(servers: Sequence[Server]) -> Any:
    """Returns the shipped configuration with only the addresses changed."""
    configuration = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    resources = configuration["static_resources"]
    for listening in (configuration["admin"], resources["listeners"][0]):
        listening["address"]["socket_address"]["port_value"] = 0
    (locality,) = resources["clusters"][0]["load_assignment"]["endpoints"]
    locality["lb_endpoints"] = [
        {"endpoint": {"address": _socket(server.address)}} for server in servers
    ]
    return configuration


def _socket(address: str) -> Any:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}
