"""One server for all vectors, reached over TCP and over a Unix socket."""

import tempfile
from collections.abc import Iterator

import grpc
import pytest

from devtools.server_process import listens_on, running_server


@pytest.fixture(scope="session")
def targets() -> Iterator[dict[str, str]]:
    """Yields the addresses of a server that only the vectors use; some reach its limits."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as folder:
        socket = f"unix://{folder}/harmony.sock"
        with running_server("--openai", "--listen", "127.0.0.1:0", "--listen", socket) as (
            process,
            address,
        ):
            assert listens_on(process) == socket
            yield {"tcp": address, "unix": socket}


@pytest.fixture(scope="session")
def channels(targets: dict[str, str]) -> Iterator[dict[str, grpc.Channel]]:
    """Yields a channel for each transport."""
    with (
        grpc.insecure_channel(targets["tcp"]) as tcp,
        grpc.insecure_channel(targets["unix"]) as unix,
    ):
        yield {"tcp": tcp, "unix": unix}
