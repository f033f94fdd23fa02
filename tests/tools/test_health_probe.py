"""grpc_health_probe: its exit status."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from harmony_client import Client
from tests.support.waiting import eventually

from .certificate import make_certificate
from .gateway import Gateway
from .go_tools import HEALTH_PROBE
from .sidecar import running_sidecar

# Exit codes from its documentation.
SERVING, NO_CONNECTION, RPC_FAILED, NOT_SERVING = 0, 2, 3, 4
# The defaults of 1 s are too short for a busy machine.
_TIMEOUTS = ("-connect-timeout", "30s", "-rpc-timeout", "30s")


def probe(address: str, *arguments: str) -> int:
    """Runs the probe and returns its exit code."""
    return HEALTH_PROBE.run("-addr", address, *_TIMEOUTS, *arguments).returncode


@pytest.mark.parametrize("service", ["", "harmony.v1.HarmonyService", "readiness", "liveness"])
def test_a_server_that_serves(address: str, service: str) -> None:
    """The probe succeeds for the whole server, its service, and the names that Kubernetes uses."""
    assert probe(address, "-service", service) == SERVING


def test_through_envoy(gateway: Gateway) -> None:
    """Through Envoy, the probe reports the sidecar's health."""
    assert probe(gateway.address, "-service", "harmony.v1.HarmonyService") == SERVING


def test_an_unknown_service(address: str) -> None:
    """An unknown service is an error, not unhealthy."""
    probed = HEALTH_PROBE.run("-addr", address, *_TIMEOUTS, "-service", "harmony.v1.Other")
    assert probed.returncode == RPC_FAILED
    assert "NotFound" in probed.stderr


def test_an_unreachable_server(tmp_path: Path) -> None:
    """If nothing listens, the probe cannot connect."""
    address = f"unix://{tmp_path / 'nobody.sock'}"
    assert probe(address, "-connect-timeout", "200ms") == NO_CONNECTION


@pytest.mark.long
def test_a_server_that_drains(tmp_path: Path) -> None:
    """After SIGTERM, the server is alive but not ready, and finishes its open streams."""
    with running_sidecar(tmp_path, "--drain-seconds", "6") as server, Client(server.tcp) as client:
        with client.open_parse("assistant") as stream:
            stream.feed([200005, 17196, 200008])
            server.process.send_signal(signal.SIGTERM)
            eventually(lambda: probe(server.unix) != SERVING)
            assert probe(server.unix) == NOT_SERVING
            assert probe(server.tcp, "-service", "harmony.v1.HarmonyService") == NOT_SERVING
            assert probe(server.tcp, "-service", "liveness") == SERVING
            assert stream.finish()
        assert server.process.wait(60) == 0
        assert probe(server.tcp, "-connect-timeout", "200ms") == NO_CONNECTION


def test_with_tls(tmp_path: Path) -> None:
    """The probe verifies the certificate on the port; the Unix socket has no TLS."""
    certificate = make_certificate(tmp_path)
    settings = ["--tls-certificate", str(certificate.chain), "--tls-key", str(certificate.key)]
    with running_sidecar(tmp_path, *settings) as server:
        trust = ["-tls", "-tls-ca-cert", str(certificate.chain)]
        assert probe(server.tcp, *trust, "-tls-server-name", "localhost") == SERVING
        quick = ["-connect-timeout", "300ms"]
        assert probe(server.tcp, *trust, "-tls-server-name", "elsewhere", *quick) == NO_CONNECTION
        assert probe(server.tcp, *quick) == NO_CONNECTION
        assert probe(server.unix) == SERVING
