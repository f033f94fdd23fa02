"""Errors reach clients unchanged, whatever telemetry is on."""

from __future__ import annotations

from pathlib import Path

import grpc

from harmony_client.v1 import parse_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub
from tests.support.failures import Failure, failure_of
from tests.support.observed_servers import observed_server
from tests.support.streams import ASSISTANT, config, tokens

_NO_EXPORT = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
_TOKEN = "secret"
_METADATA = (("authorization", f"Bearer {_TOKEN}"),)
# Neither token begins a message.
_MALFORMED = [200012, 200012]


def _failures(channel: grpc.Channel) -> list[Failure]:
    """Returns the failures of a unary RPC and of streams, at once and after a response."""
    stub = HarmonyServiceStub(channel)

    def parse(*requests: parse_pb2.ParseRequest) -> list[parse_pb2.ParseResponse]:
        return list(stub.Parse(iter(requests), timeout=20, metadata=_METADATA))

    return [
        failure_of(
            lambda: stub.Render(service_pb2.RenderRequest(), timeout=20, metadata=_METADATA)
        ),
        failure_of(lambda: parse(tokens([1]))),
        failure_of(lambda: parse(config(ASSISTANT), tokens(_MALFORMED))),
    ]


def test_details_survive_telemetry(server_address: str, tmp_path: Path) -> None:
    """With tokens, metrics and traces, errors have the same code, text and details."""
    allowed = tmp_path / "tokens"
    allowed.write_text(_TOKEN)
    with grpc.insecure_channel(server_address) as channel:
        plain = _failures(channel)
    assert all(failure.reason for failure in plain)
    on = ("--auth-token-file", str(allowed), "--opentelemetry")
    with (
        observed_server(*on, variables=_NO_EXPORT) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        assert _failures(channel) == plain
