"""Real servers, each on its own port, that can be killed and restarted."""

from __future__ import annotations

import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import grpc

from devtools.server_process import running_server
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

SERVERS = 3


class Server:
    """A server on a fixed port.

    Attributes:
        address: The address that it listens on.
        process: The most recent process.
    """

    process: subprocess.Popen[str]

    def __init__(self, *arguments: str) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._arguments = arguments
        self._running = ExitStack()

    def start(self) -> None:
        """Starts the server and waits until it serves."""
        server = running_server("--listen", self.address, *self._arguments)
        self.process, _ = self._running.enter_context(server)

    def kill(self) -> None:
        """Kills the server with SIGKILL."""
        self.process.kill()
        self.process.wait(60)

    def close(self) -> None:
        """Kills the server without waiting for it to drain."""
        self.kill()
        self._running.close()

    def messages_rendered(self) -> int:
        """Returns how many messages of conversations the server has rendered since it started."""
        with grpc.insecure_channel(self.address) as channel:
            stub = HarmonyServiceStub(channel)
            request = service_pb2.GetRenderCacheStatisticsRequest()
            statistics = stub.GetRenderCacheStatistics(request, timeout=60)
        return statistics.hits + statistics.misses


def free_port() -> int:
    """Returns an unused port below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


@contextmanager
def running_servers(*arguments: str, count: int = SERVERS) -> Iterator[list[Server]]:
    """Runs servers until the block ends."""
    with ExitStack() as stack:
        servers = [Server(*arguments) for _ in range(count)]
        for server in servers:
            server.start()
            stack.callback(server.close)
        yield servers
