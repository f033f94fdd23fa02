"""Servers under attack, one for each transport."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from devtools.certificates import Authority
from tests.support import frames

from .watched import WatchedServer, watched_server

TRANSPORTS = ("tcp", "unix", "tls")


@dataclass(frozen=True)
class Target:
    """A server and the way to connect to it.

    Attributes:
        server: The server.
        tls: The TLS context of connections; None for plaintext.
    """

    server: WatchedServer
    tls: ssl.SSLContext | None = None

    def connected(self) -> contextlib.AbstractContextManager[socket.socket]:
        """Connects, with a TLS handshake where needed, and closes at the end."""
        return frames.connected(self.server.address, self.tls)


@contextlib.contextmanager
def target(transport: str) -> Iterator[Target]:
    """Runs a server for a transport, one of `TRANSPORTS`."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as folder:
        if transport == "tcp":
            with watched_server() as server:
                yield Target(server)
        elif transport == "unix":
            with watched_server(address=f"unix://{folder}/harmony.sock") as server:
                yield Target(server)
        else:
            authority = Authority()
            certificate, key = authority.issue().write(Path(folder), "server")
            context = ssl.create_default_context(cadata=authority.certificate.decode())
            context.set_alpn_protocols(["h2"])
            credentials = grpc.ssl_channel_credentials(authority.certificate)
            arguments = ("--tls-certificate", certificate, "--tls-key", key)
            with watched_server(*arguments, credentials=credentials) as server:
                yield Target(server, context)
