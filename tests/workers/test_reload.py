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
    """Each worker reads the tokens again, and each says so."""
    tokens = tmp_path / "tokens"
    tokens.write_text("old")
    listen = ("--listen", f"unix://{tmp_path}/h.sock", "--auth-token-file", str(tokens))
    with serving(*listen) as server:
        # Nobody calls: only the signal can make them look.
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
    """New connections get the new certificate, from every worker."""
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


def test_while_the_server_starts() -> None:
    """It is no reason to end."""
    with starting("--listen", "127.0.0.1:0") as server:
        eventually(server.workers)
        server.process.send_signal(signal.SIGHUP)
        server.until_serving()
        assert server.log() == []


def test_a_worker_that_is_starting_is_not_killed_by_it(tmp_path: Path) -> None:
    """SIGHUP while a worker is restarted reaches it once it can use it."""
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
