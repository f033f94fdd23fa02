"""Calls to workers, and how many each worker has served."""

from __future__ import annotations

import json
import re
import urllib.request

import grpc

from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

_SAMPLE = re.compile(r"^(\w+)\{([^}]*)\} ([\d.e+]+)$", re.MULTILINE)
_TIMEOUT_SECONDS = 30


# RPCs of a killed worker are UNAVAILABLE; docs/deployment.md says to retry them.
_RETRIES = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_SERVICE_CONFIG = {"methodConfig": [{"name": [{}], "retryPolicy": _RETRIES}]}


def own_channel(address: str) -> grpc.Channel:
    """Returns a channel that has its own connection and retries."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ]
    return grpc.insecure_channel(address, options=options)


def call(address: str, *metadata: tuple[str, str]) -> None:
    """Makes a call on a new connection."""
    with own_channel(address) as channel:
        call_on(channel, *metadata)


def call_on(channel: grpc.Channel, *metadata: tuple[str, str]) -> None:
    """Makes a call on a channel."""
    HarmonyServiceStub(channel).GetEncoding(
        service_pb2.GetEncodingRequest(),
        timeout=_TIMEOUT_SECONDS,
        wait_for_ready=True,
        metadata=metadata,
    )


def calls_by_worker(metrics: str) -> dict[int, int]:
    """Returns how many calls of `call` each worker has served."""
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=_TIMEOUT_SECONDS) as answer:
        text = answer.read().decode()
    counts = {}
    for name, labels, value in _SAMPLE.findall(text):
        found = dict(pair.split("=", 1) for pair in labels.replace('"', "").split(","))
        if name == "grpc_server_started_total" and found["grpc_method"] == "GetEncoding":
            counts[int(found["worker"])] = int(float(value))
    return counts
