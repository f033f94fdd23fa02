"""SIGHUP reaches every worker."""

from __future__ import annotations

import os
import signal
import ssl
from pathlib import Path

import grpc
import pytest

from devtools.certificates import Authority
from harmony_client import Client, Unauthenticated
from tests.support.supervised_servers import serving, starting
from tests.support.waiting import eventually


def test_tokens(tmp_path: Path) -> None:
    """After SIGHUP each worker reads the token file again and logs it."""
    tokens = tmp_path / "tokens"
    tokens.write_text("old")
    listen = ("--listen", f"unix://{tmp_path}/h.sock", "--auth-token-file", str(tokens))
    with serving(*listen) as server:
        # There are no calls, so only the signal can cause the reload.
        tokens.write_text("new")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.count_log("reloaded the tokens") == 2)
        for address in server.addresses:
            with Client(address, metadata=[("authorization", "Bearer new")]) as client:
                assert client.encode("Hello") == [13225]
            stranger = Client(address, metadata=[("authorization", "Bearer old")])
            with stranger, pytest.raises(Unauthenticated):
                stranger.encode("Hello")


def test_certificates(tmp_path: Path) -> None:
    """After SIGHUP new connections to every worker get the new certificate."""
    old, new = Authority(), Authority()
    certificate, key = old.issue().write(tmp_path, "server")
    listen = ("--listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key)
    with serving(*listen) as server:
        host, _, port = server.addresses[0].rpartition(":")
        identity = new.issue()
        identity.write(tmp_path, "server")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: server.count_log("reloaded the TLS certificate") == 2)
        presented = {ssl.get_server_certificate((host, int(port))) for _ in range(20)}
        assert presented == {identity.certificate.decode()}
        with grpc.secure_channel(
            server.addresses[0], grpc.ssl_channel_credentials(new.certificate)
        ) as channel:
            grpc.channel_ready_future(channel).result(timeout=30)


def test_sighup_while_the_server_starts() -> None:
    """SIGHUP during start-up does not end the server."""
    with starting("--listen", "127.0.0.1:0") as server:
        eventually(server.workers)
        server.process.send_signal(signal.SIGHUP)
        server.until_serving()
        assert server.log() == []


def test_sighup_while_a_worker_starts(tmp_path: Path) -> None:
    """SIGHUP during a worker's restart does not kill it, and takes effect once it has started."""
    tokens = tmp_path / "tokens"
    tokens.write_text("secret")
    listen = ("--listen", f"unix://{tmp_path}/h.sock", "--auth-token-file", str(tokens))
    with serving(*listen) as server:
        victim, _ = server.workers()
        victim.kill()
        eventually(lambda: victim not in server.workers() and len(server.workers()) == 2)
        os.kill(server.process.pid, signal.SIGHUP)
        server.until_replaced(victim)
        eventually(lambda: server.count_log("reloaded the tokens") == 2)
        assert server.count_log("died") == 1
