"""grpc_health_probe: what its exit status says."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from harmony_client import Client

from .certificate import make_certificate
from .gateway import Gateway
from .go_tools import HEALTH_PROBE
from .sidecar import running_sidecar

# Exit codes, as its documentation has them.
SERVING, NO_CONNECTION, RPC_FAILED, NOT_SERVING = 0, 2, 3, 4


def probe(address: str, *arguments: str) -> int:
    """Runs the probe and returns its exit code."""
    return HEALTH_PROBE.run("-addr", address, *arguments).returncode


@pytest.mark.parametrize("service", ["", "harmony.v1.HarmonyService", "readiness", "liveness"])
def test_a_server_that_serves(address: str, service: str) -> None:
    """The server as a whole, its service, and the names that Kubernetes asks about."""
    assert probe(address, "-service", service) == SERVING


def test_through_envoy(gateway: Gateway) -> None:
    """The sidecar's health is that of the whole."""
    assert probe(gateway.address, "-service", "harmony.v1.HarmonyService") == SERVING


def test_an_unknown_service(address: str) -> None:
    """A service that the server does not have is an error, not unhealthy."""
    asked = HEALTH_PROBE.run("-addr", address, "-service", "harmony.v1.Other")
    assert asked.returncode == RPC_FAILED
    assert "NotFound" in asked.stderr


def test_no_server(tmp_path: Path) -> None:
    """Nobody listens."""
    address = f"unix://{tmp_path / 'nobody.sock'}"
    assert probe(address, "-connect-timeout", "200ms") == NO_CONNECTION


def test_a_server_that_drains(tmp_path: Path) -> None:
    """After a signal the server is not ready, still alive, and finishes what is under way."""
    with running_sidecar(tmp_path, "--drain-seconds", "4") as server, Client(server.tcp) as client:
        with client.open_parse("assistant") as stream:
            stream.feed([200005, 17196, 200008])
            server.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 3
            while (status := probe(server.unix)) == SERVING:
                assert time.monotonic() < deadline
            assert status == NOT_SERVING
            assert probe(server.tcp, "-service", "harmony.v1.HarmonyService") == NOT_SERVING
            assert probe(server.tcp, "-service", "liveness") == SERVING
            assert stream.finish()
        assert server.process.wait(20) == 0
        assert probe(server.tcp, "-connect-timeout", "200ms") == NO_CONNECTION


def test_with_encryption(tmp_path: Path) -> None:
    """The probe checks the certificate; the socket stays without encryption."""
    certificate = make_certificate(tmp_path)
    settings = ["--tls-certificate", str(certificate.chain), "--tls-key", str(certificate.key)]
    with running_sidecar(tmp_path, *settings) as server:
        trust = ["-tls", "-tls-ca-cert", str(certificate.chain)]
        assert probe(server.tcp, *trust, "-tls-server-name", "localhost") == SERVING
        quick = ["-connect-timeout", "300ms"]
        assert probe(server.tcp, *trust, "-tls-server-name", "elsewhere", *quick) == NO_CONNECTION
        assert probe(server.tcp, *quick) == NO_CONNECTION
        assert probe(server.unix) == SERVING
