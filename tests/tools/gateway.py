"""Envoy with the shipped configuration, at addresses of the test."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor

from harmony_client._google import error_details_pb2
from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import service_pb2
from tests.support.tools import ROOT, envoy

CONFIGURATION = ROOT / "deploy" / "envoy" / "grpc-web-and-json.yaml"
_TIMEOUT_SECONDS = 60


@dataclass
class Gateway:
    """A running Envoy.

    Attributes:
        host: The host that it listens on.
        port: The port that it listens on.
    """

    host: str
    port: int

    @property
    def address(self) -> str:
        """The address for gRPC clients."""
        return f"{self.host}:{self.port}"


def descriptor_set() -> bytes:
    """Returns the output of `buf build`, made from the Python client's descriptors."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for dependency in file.dependencies:
            add(dependency)
        files.setdefault(file.name, file)

    for root in (service_pb2, openai_pb2, error_details_pb2):
        add(root.DESCRIPTOR)
    described = descriptor_pb2.FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(described.file.add())
    return described.SerializeToString()


def shipped() -> Any:
    """Returns the shipped configuration."""
    return yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))


def connection_manager(configuration: Any) -> Any:
    """Returns the part of a configuration that routes and filters."""
    (chain,) = configuration["static_resources"]["listeners"][0]["filter_chains"]
    return chain["filters"][0]["typed_config"]


def _relocated(configuration: Any, server: str, descriptors: Path) -> str:
    """Returns a configuration as text with only addresses and paths changed."""
    resources = configuration["static_resources"]
    for listening in (configuration["admin"], resources["listeners"][0]):
        listening["address"]["socket_address"]["port_value"] = 0
    (transcoder,) = (
        filter_["typed_config"]
        for filter_ in connection_manager(configuration)["http_filters"]
        if filter_["name"] == "envoy.filters.http.grpc_json_transcoder"
    )
    transcoder["proto_descriptor"] = str(descriptors)
    (locality,) = resources["clusters"][0]["load_assignment"]["endpoints"]
    (endpoint,) = locality["lb_endpoints"]
    if server.startswith("unix://"):
        address: Any = {"pipe": {"path": server.removeprefix("unix://")}}
    else:
        host, _, port = server.rpartition(":")
        address = {"socket_address": {"address": host, "port_value": int(port)}}
    endpoint["endpoint"]["address"] = address
    return yaml.safe_dump(configuration)


@contextmanager
def running_gateway(
    server: str, folder: Path, change: Callable[[Any], None] = lambda _: None
) -> Iterator[Gateway]:
    """Runs Envoy in front of a server, and yields it once it forwards RPCs.

    Args:
        server: The address of the server, `host:port` or `unix:///path`.
        folder: The folder for Envoy's files.
        change: Changes the configuration.
    """
    configuration = shipped()
    change(configuration)
    descriptors, file, admin, log = (
        folder / name for name in ("harmony.binpb", "envoy.yaml", "admin", "envoy.log")
    )
    descriptors.write_bytes(descriptor_set())
    file.write_text(_relocated(configuration, server, descriptors), encoding="utf-8")
    # Without hot restart there is no shared memory, so several Envoys can run at once.
    command = [envoy(), "--config-path", file, "--admin-address-path", admin, "--log-path", log]
    command += ["--log-level", "warning", "--disable-hot-restart", "--concurrency", "1"]
    with subprocess.Popen([str(part) for part in command]) as process:
        try:
            yield _once_ready(process, admin, log)
        finally:
            process.terminate()
            process.wait(_TIMEOUT_SECONDS)


def _once_ready(process: subprocess.Popen[bytes], admin: Path, log: Path) -> Gateway:
    """Waits until the first health check has passed and Envoy listens."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < deadline, "Envoy is not ready"
        try:
            _ask(admin, "ready")
            break
        except (OSError, urllib.error.URLError):
            time.sleep(0.05)
    # Envoy logs warnings about deprecated settings and missing limits.
    assert log.read_text(encoding="utf-8") == ""
    (listener,) = json.loads(_ask(admin, "listeners?format=json"))["listener_statuses"]
    bound = listener["local_address"]["socket_address"]
    return Gateway(bound["address"], bound["port_value"])


def _ask(admin: Path, page: str) -> bytes:
    url = f"http://{admin.read_text(encoding='utf-8')}/{page}"
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
        return bytes(response.read())
