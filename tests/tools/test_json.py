"""JSON over HTTP through Envoy: the same responses as gRPC, and errors with details."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from devtools.vector_files import FOLDER, read_vectors
from harmony_client._google import annotations_pb2, http_pb2
from harmony_client.openai.v1 import openai_pb2
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

from .failures import status_of
from .gateway import Gateway, running_gateway
from .grpc_web import exchange
from .sidecar import running_sidecar

HELLO = {"author": {"role": "ROLE_USER"}, "content": [{"text": {"text": "Grüße <|start|>"}}]}
VECTORS = [vector for vector in read_vectors(FOLDER) if vector.error is None]

METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for service in (
        service_pb2.DESCRIPTOR.services_by_name["HarmonyService"],
        openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"],
    )
    for method in service.methods
}
UNARY = [name for name, method in METHODS.items() if not method.client_streaming]


def http_rule(method: MethodDescriptor) -> http_pb2.HttpRule:
    """Returns a method's HTTP rule in the protos, empty if it has none."""
    # The generated type of the extension does not match the runtime's.
    options: Any = method.GetOptions()
    rule: http_pb2.HttpRule = options.Extensions[annotations_pb2.http]
    return rule


def post(gateway: Gateway, path: str, body: str, **headers: str) -> tuple[int, str, bytes]:
    """Posts JSON text; returns the response's status, content type and body."""
    sent = {"content-type": "application/json", **headers}
    status, received, data = exchange(gateway, "POST", path, body.encode(), sent)
    return status, received["content-type"], data


def call(gateway: Gateway, name: str, request: dict[str, Any]) -> tuple[int, Any]:
    """Calls a method by its HTTP rule."""
    rule = http_rule(METHODS[name])
    if rule.get:
        status, _, data = exchange(gateway, "GET", rule.get, None, {})
        return status, json.loads(data)
    assert rule.body == "*"
    status, content_type, data = post(gateway, rule.post, json.dumps(request))
    assert content_type == "application/json", data
    return status, json.loads(data)


def message(name: str, request: dict[str, Any]) -> Message:
    """Returns a request as a message."""
    empty: Message = GetMessageClass(METHODS[name].input_type)()
    return json_format.ParseDict(request, empty)


def test_every_unary_rpc_has_a_rule() -> None:
    """Every unary RPC has an HTTP rule, and streams have none."""
    with_rule = {name for name, method in METHODS.items() if http_rule(method).ByteSize()}
    assert with_rule == set(UNARY)
    assert set(METHODS) - with_rule == {
        "Parse",
        "ParseBatch",
        "StreamAnswer",
        "StreamAnswerBatch",
    }


@pytest.mark.parametrize("name", UNARY)
def test_responses_match_grpc(
    gateway: Gateway, stub: HarmonyServiceStub, openai_stub: OpenAIServiceStub, name: str
) -> None:
    """The response to each vector is the canonical JSON of gRPC's response."""
    requests = [vector.requests[0] for vector in VECTORS if vector.rpc == name]
    assert requests
    for request in requests:
        status, response = call(gateway, name, request)
        assert status == 200
        called = getattr(stub if hasattr(stub, name) else openai_stub, name)
        direct = called(message(name, request))
        assert response == json_format.MessageToDict(direct)


@pytest.mark.parametrize(
    ("name", "request_", "http_status"),
    [
        ("Render", {"message": {"author": {}}}, 400),
        ("RenderConversation", {"conversation": {"messages": [HELLO, {}]}}, 400),
        ("ParseMessages", {"tokens": [200002]}, 400),
        ("Decode", {"tokens": [2**32 - 1]}, 400),
        ("Decode", {"tokens": [0] * 1_100_000}, 429),
    ],
    ids=["a field", "a nested field", "a parse", "a token", "a limit"],
)
def test_errors_match_grpc(
    gateway: Gateway,
    stub: HarmonyServiceStub,
    name: str,
    request_: dict[str, Any],
    http_status: int,
) -> None:
    """The body of an error is the canonical JSON of its google.rpc.Status, with details."""
    status, response = call(gateway, name, request_)
    assert status == http_status
    direct = status_of(lambda: getattr(stub, name)(message(name, request_)))
    assert response == json_format.MessageToDict(direct)
    assert response["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/text:encode", '{"text": ', 400),
        ("/v1/tokens:decode", '{"tokens": [-1]}', 400),
        ("/v1/conversations:renderForCompletion", '{"nextTurnRole": "ROLE_MODEL"}', 400),
        ("/v1/text:encode?texts=Hi", "{}", 400),
        ("/v1/text:unknown", "{}", 404),
        ("/harmony.v1.HarmonyService/Encode", "{}", 404),
        ("/v1/text:encode", '{"text": "' + "x" * (16 * 1024 * 1024) + '"}', 413),
    ],
    ids=["JSON", "a number", "an enum", "a query", "a path", "a method", "size"],
)
def test_envoy_refuses_invalid_requests(
    gateway: Gateway, path: str, body: str, status: int
) -> None:
    """Envoy itself refuses invalid requests, in plain text."""
    refused, content_type, data = post(gateway, path, body)
    assert (refused, content_type) == (status, "text/plain"), data


def test_unknown_fields_are_ignored(gateway: Gateway) -> None:
    """Envoy ignores unknown fields, so a misspelled field counts as missing."""
    _, _, data = post(gateway, "/v1/text:encode", '{"text": "Hello", "alowedSpecial": {}}')
    assert json.loads(data) == {"tokens": [13225]}


def test_bearer_tokens_and_a_stopped_server(tmp_path: Path) -> None:
    """Over a Unix socket, Envoy forwards bearer tokens, and responds 503 without a server."""
    token = tmp_path / "token"
    token.write_text("sesame\n")
    with (
        running_sidecar(tmp_path, "--auth-token-file", str(token)) as server,
        running_gateway(server.unix, tmp_path) as gateway,
    ):
        body = json.dumps({"text": "Hello"})
        status, _, data = post(gateway, "/v1/text:encode", body)
        assert (status, json.loads(data)["code"]) == (401, 16)
        admitted = post(gateway, "/v1/text:encode", body, authorization="Bearer sesame")
        assert json.loads(admitted[2]) == {"tokens": [13225]}
        server.process.terminate()
        server.process.wait(60)
        assert post(gateway, "/v1/text:encode", body)[0] == 503
