"""Fixtures: a sidecar, and Envoy in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

from .gateway import Gateway, running_gateway
from .sidecar import Sidecar, running_sidecar


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """Yields a server that all tests of this suite share."""
    with running_sidecar(tmp_path_factory.mktemp("sidecar")) as running:
        yield running


@pytest.fixture(params=["tcp", "unix"])
def address(request: pytest.FixtureRequest, sidecar: Sidecar) -> str:
    """Each address of the server in turn."""
    return str(getattr(sidecar, request.param))


@pytest.fixture(scope="session")
def gateway(sidecar: Sidecar, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Yields Envoy in front of the server."""
    with running_gateway(sidecar.tcp, tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="session")
def stub(sidecar: Sidecar) -> Iterator[HarmonyServiceStub]:
    """Yields a stub that calls the server directly, for comparison."""
    with grpc.insecure_channel(sidecar.tcp) as channel:
        yield HarmonyServiceStub(channel)


@pytest.fixture(scope="session")
def openai_stub(sidecar: Sidecar) -> Iterator[OpenAIServiceStub]:
    """Yields a stub of the second service."""
    with grpc.insecure_channel(sidecar.tcp) as channel:
        yield OpenAIServiceStub(channel)
