"""grpcurl: reflection, and calls in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .certificate import make_certificate
from .gateway import Gateway
from .go_tools import GRPCURL
from .sidecar import running_sidecar

pytestmark = pytest.mark.long

SERVICE = "harmony.v1.HarmonyService"
HELLO = {"message": {"author": {"role": "ROLE_USER"}, "content": [{"text": {"text": "Hello"}}]}}
HELLO_TOKENS = [200006, 1428, 200008, 13225, 200007]


def grpcurl(*arguments: str, stdin: str = "") -> str:
    """Runs grpcurl without TLS and returns its output."""
    done = GRPCURL.run("-plaintext", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def values(text: str) -> list[Any]:
    """Returns the consecutive JSON values in a text."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def test_list(address: str) -> None:
    """`grpcurl` lists the services, and all methods of ours."""
    services = grpcurl(address, "list").split()
    assert {SERVICE, "grpc.health.v1.Health"} < set(services)
    methods = grpcurl(address, "list", SERVICE).split()
    assert len(methods) == 13
    assert {f"{SERVICE}.Render", f"{SERVICE}.ParseBatch"} < set(methods)


def test_describe_a_service(address: str) -> None:
    """`grpcurl` describes streaming methods, and the HTTP rules of the others."""
    text = grpcurl(address, "describe", SERVICE)
    stream = "( stream .harmony.v1.ParseRequest ) returns ( stream .harmony.v1.ParseResponse )"
    assert f"rpc Parse {stream};" in text
    assert 'post: "/v1/messages:render"' in text


@pytest.mark.parametrize(
    ("symbol", "line"),
    [
        (f"{SERVICE}.Render", "rpc Render ( .harmony.v1.RenderRequest )"),
        ("harmony.v1.RenderRequest", ".harmony.v1.Message message = 1;"),
        ("harmony.v1.Author.role", ".harmony.v1.Role role = 1;"),
        ("harmony.v1.Content.content", ".harmony.v1.TextContent text = 1;"),
        ("harmony.v1.Role", "ROLE_USER = 1;"),
        ("harmony.v1.ROLE_USER", "ROLE_USER = 1;"),
        ("google.rpc.ErrorInfo", "string reason = 1;"),
    ],
)
def test_describe_a_symbol(address: str, symbol: str, line: str) -> None:
    """`grpcurl` describes methods, messages, fields, enums and error details."""
    assert line in grpcurl(address, "describe", symbol)


def test_a_unary_call(address: str) -> None:
    """`grpcurl` makes a unary call in JSON."""
    response = grpcurl("-d", json.dumps(HELLO), address, f"{SERVICE}/Render")
    assert json.loads(response) == {"tokens": HELLO_TOKENS}


def test_a_stream_in_json(address: str) -> None:
    """`grpcurl` runs a stream, with a response to each request and one for the end."""
    requests = [
        {"config": {"role": "ROLE_ASSISTANT"}},
        {"tokens": {"tokens": [200005, 17196, 200008, 12194]}},
        {"tokens": {"tokens": [200002]}},
    ]
    text = "\n".join(map(json.dumps, requests))
    responses = values(grpcurl("-d", "@", address, f"{SERVICE}/Parse", stdin=text))
    assert len(responses) == 4
    started, delta = responses[1]["events"]
    assert started["started"]["channel"] == "final"
    assert delta == {"delta": {"text": "Hi"}}


def test_the_details_of_an_error(address: str) -> None:
    """`grpcurl` prints the reason and the field of an error, because it knows their types."""
    request = json.dumps({"message": {"author": {}}})
    failed = GRPCURL.run("-plaintext", "-format-error", "-d", request, address, f"{SERVICE}/Render")
    # grpcurl exits with 64 plus the status code.
    assert failed.returncode == 64 + 3
    status = json.loads(failed.stderr)
    reason, field = status["details"]
    assert (reason["reason"], reason["domain"]) == ("INVALID_FIELD", "harmony.v1")
    assert field["field_violations"][0]["field"] == "message.author.role"


def test_a_health_check(address: str) -> None:
    """`grpcurl` calls the health service."""
    response = grpcurl(
        "-d", json.dumps({"service": SERVICE}), address, "grpc.health.v1.Health/Check"
    )
    assert json.loads(response) == {"status": "SERVING"}


def test_envoy_hides_reflection(gateway: Gateway) -> None:
    """Reflection is not available through Envoy, which has no route for it."""
    listed = GRPCURL.run("-plaintext", gateway.address, "list")
    assert listed.returncode != 0
    assert "does not support the reflection API" in listed.stderr


def test_tls_and_a_bearer_token(tmp_path: Path) -> None:
    """`grpcurl` verifies the server's certificate and sends a bearer token."""
    certificate = make_certificate(tmp_path)
    token = tmp_path / "token"
    token.write_text("sesame\n")
    settings = ["--tls-certificate", str(certificate.chain), "--tls-key", str(certificate.key)]
    settings += ["--auth-token-file", str(token), "--reflection"]
    with running_sidecar(tmp_path, *settings) as server:
        arguments = ["-cacert", str(certificate.chain), server.tcp, f"{SERVICE}/GetEncoding"]
        refused = GRPCURL.run(*arguments)
        assert refused.returncode != 0
        assert "code = Unauthenticated" in refused.stderr
        admitted = GRPCURL.run("-H", "authorization: Bearer sesame", *arguments)
        assert json.loads(admitted.stdout)["name"] == "HarmonyGptOss", admitted.stderr
