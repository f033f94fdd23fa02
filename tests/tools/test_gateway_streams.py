"""gRPC through Envoy: bidirectional, long-lived streams."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from harmony_client import Client, ContentDelta, MessageStarted, ParseFailed

from .gateway import Gateway, connection_manager, running_gateway
from .sidecar import Sidecar

COMPLETION = (
    "<|channel|>analysis<|message|>Grüße 🚆<|end|>"
    "<|start|>assistant<|channel|>final<|message|>It rains.<|return|>"
)


def test_a_stream(gateway: Gateway, sidecar: Sidecar) -> None:
    """Through Envoy, each token gets its response at once, with the same events as without."""
    with Client(gateway.address) as client, Client(sidecar.tcp) as direct:
        tokens = client.encode(COMPLETION, allowed_special="all")
        with client.open_parse("assistant") as stream, direct.open_parse("assistant") as expected:
            for token in tokens:
                assert stream.feed([token]) == expected.feed([token])
            assert stream.finish() == expected.finish()


def test_a_batch(gateway: Gateway, sidecar: Sidecar) -> None:
    """Through Envoy, each step of a batch gets the same events as without."""
    with Client(gateway.address) as client, Client(sidecar.tcp) as direct:
        tokens = client.encode(COMPLETION, allowed_special="all")
        with client.batch() as batch, direct.batch() as expected:
            for sequence_id in range(100):
                batch.open(sequence_id, role="assistant")
                expected.open(sequence_id, role="assistant")
            for token in tokens:
                step = dict.fromkeys(range(100), token)
                assert batch.step(step) == expected.step(step)


def test_an_error_ends_a_stream(gateway: Gateway) -> None:
    """Through Envoy, the error after the events keeps its details."""
    with Client(gateway.address) as client:
        malformed = client.encode("<|message|>4<|end|>oops", allowed_special="all")
        events = client.parse(malformed, "assistant")
        assert isinstance(next(events), MessageStarted)
        with pytest.raises(ParseFailed) as caught:
            list(events)
        assert (caught.value.offset, caught.value.state) == (3, "ExpectStart")


def test_a_stream_outlives_unary_calls(sidecar: Sidecar, tmp_path: Path) -> None:
    """Envoy's timeout for unary RPCs does not apply to streams."""

    def shorten_unary_timeouts(configuration: Any) -> None:
        (host,) = connection_manager(configuration)["route_config"]["virtual_hosts"]
        timeouts = {route["route"]["timeout"] for route in host["routes"]}
        assert timeouts == {"0s", "60s"}
        for route in host["routes"]:
            if route["route"]["timeout"] != "0s":
                route["route"]["timeout"] = "0.2s"

    with (
        running_gateway(sidecar.tcp, tmp_path, shorten_unary_timeouts) as gateway,
        Client(gateway.address) as client,
        client.open_parse("assistant") as stream,
    ):
        # Longer than the timeout of unary RPCs.
        time.sleep(0.5)
        events = stream.feed([200005, 17196, 200008, 12194])
        assert isinstance(events[-1], ContentDelta)
        stream.finish()
