"""The TLS configuration of docs/proxies.md, on both sides of Envoy."""

from __future__ import annotations

import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import yaml

from harmony_client import Client
from tests.support.documents import blocks, document, section

from .certificate import make_certificate
from .gateway import running_gateway
from .sidecar import running_sidecar


def test_encryption_on_both_sides(tmp_path: Path) -> None:
    """With the document's blocks, Envoy presents a certificate and verifies the sidecar's."""
    certificate = make_certificate(tmp_path)
    text = section(document("proxies.md"), "What to change")
    for name in ("certificate", "ca"):
        text = text.replace(f"/etc/envoy/{name}.pem", str(certificate.chain))
    text = text.replace("/etc/envoy/key.pem", str(certificate.key))
    downstream, upstream = (yaml.safe_load(block) for block in blocks(text, "yaml"))

    def encrypt(configuration: Any) -> None:
        resources = configuration["static_resources"]
        resources["listeners"][0]["filter_chains"][0] |= downstream
        resources["clusters"][0] |= upstream

    settings = ["--tls-certificate", str(certificate.chain), "--tls-key", str(certificate.key)]
    with (
        running_sidecar(tmp_path, *settings) as server,
        running_gateway(server.tcp, tmp_path, encrypt) as gateway,
    ):
        trust = ssl.create_default_context(cafile=str(certificate.chain))
        url = f"https://{gateway.address}/v1/encoding"
        with urllib.request.urlopen(url, timeout=60, context=trust) as response:
            assert json.load(response)["name"] == "HarmonyGptOss"
        credentials = grpc.ssl_channel_credentials(certificate.chain.read_bytes())
        with Client(gateway.address, credentials=credentials) as client:
            assert client.encode("Hello") == [13225]
