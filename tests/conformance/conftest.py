"""One server for all vectors, over TCP and over a Unix socket."""

import tempfile
from collections.abc import Iterator

import grpc
import pytest

from devtools.server_process import listens_on, running_server
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub


@pytest.fixture(scope="session")
def targets() -> Iterator[dict[str, str]]:
    """The addresses of a server that nothing else uses: its limits are vectors, too."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as folder:
        socket = f"unix://{folder}/harmony.sock"
        with running_server("--listen", "127.0.0.1:0", "--listen", socket) as (process, address):
            assert listens_on(process) == socket
            yield {"tcp": address, "unix": socket}


@pytest.fixture(scope="session")
def stubs(targets: dict[str, str]) -> Iterator[dict[str, HarmonyServiceStub]]:
    """A stub for each transport."""
    with (
        grpc.insecure_channel(targets["tcp"]) as tcp,
        grpc.insecure_channel(targets["unix"]) as unix,
    ):
        yield {"tcp": HarmonyServiceStub(tcp), "unix": HarmonyServiceStub(unix)}
