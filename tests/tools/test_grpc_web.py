"""gRPC-Web through Envoy, as a browser sends it."""

from __future__ import annotations

import pytest
from google.rpc import status_pb2

from harmony_client import messages
from harmony_client.v1 import chat_pb2, service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

from .failures import status_of
from .gateway import Gateway
from .grpc_web import BINARY, TEXT, call, exchange

PAGE = "https://app.example.com"
RENDER = service_pb2.RenderRequest(message=messages.user("Grüße 🚆"))
WRONG = service_pb2.RenderRequest(message=chat_pb2.Message())

content_types = pytest.mark.parametrize("content_type", [BINARY, TEXT], ids=["binary", "text"])


@content_types
def test_a_call(gateway: Gateway, stub: HarmonyServiceStub, content_type: str) -> None:
    """One message and the trailers of success, the same message as without Envoy."""
    answer = call(gateway, "Render", RENDER.SerializeToString(), content_type)
    assert answer.http_status == 200
    assert answer.headers["content-type"].startswith(content_type)
    assert answer.grpc_status == 0
    (message,) = answer.messages
    assert service_pb2.RenderResponse.FromString(message) == stub.Render(RENDER)


@content_types
def test_a_large_answer(gateway: Gateway, stub: HarmonyServiceStub, content_type: str) -> None:
    """An answer larger than Envoy's buffers comes whole."""
    request = service_pb2.EncodeRequest(text="a b c d " * 250_000)
    answer = call(gateway, "Encode", request.SerializeToString(), content_type)
    (message,) = answer.messages
    assert len(message) > 1_000_000
    assert service_pb2.EncodeResponse.FromString(message) == stub.Encode(request)


@content_types
def test_an_error(gateway: Gateway, stub: HarmonyServiceStub, content_type: str) -> None:
    """An error has code, message and details as without Envoy, where the page may read them."""
    answer = call(gateway, "Render", WRONG.SerializeToString(), content_type, origin=PAGE)
    expected = status_of(lambda: stub.Render(WRONG))
    assert answer.http_status == 200
    assert answer.messages == []
    assert (answer.grpc_status, answer.trailers["grpc-message"]) == (
        expected.code,
        expected.message,
    )
    assert status_pb2.Status.FromString(answer.details) == expected
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert exposed == {"grpc-status", "grpc-message", "grpc-status-details-bin"}


def test_a_deadline(gateway: Gateway) -> None:
    """The deadline that the page sends is the server's."""
    request = service_pb2.EncodeRequest(text="a b c d " * 250_000)
    answer = call(gateway, "Encode", request.SerializeToString(), BINARY, grpc_timeout="20m")
    assert answer.grpc_status == 4


@pytest.mark.parametrize("path", ["/harmony.v1.HarmonyService/Render", "/v1/messages:render"])
def test_a_preflight(gateway: Gateway, path: str) -> None:
    """A page of the listed origin may call, and send what gRPC-Web and JSON need."""
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-grpc-web,x-user-agent,grpc-timeout",
    }
    status, headers, _ = exchange(gateway, "OPTIONS", path, None, asked)
    assert status == 200
    assert headers["access-control-allow-origin"] == PAGE
    assert "POST" in headers["access-control-allow-methods"]
    allowed = set(headers["access-control-allow-headers"].split(", "))
    assert set(asked["access-control-request-headers"].split(",")) <= allowed


def test_pages_of_other_origins(gateway: Gateway) -> None:
    """A browser does not show an answer to a page whose origin is not listed."""
    request = RENDER.SerializeToString()
    listed = call(gateway, "Render", request, BINARY, origin=PAGE)
    assert listed.headers["access-control-allow-origin"] == PAGE
    other = call(gateway, "Render", request, BINARY, origin="https://other.example.com")
    assert "access-control-allow-origin" not in other.headers
    asked = {"origin": "https://other.example.com", "access-control-request-method": "POST"}
    _, headers, _ = exchange(gateway, "OPTIONS", "/v1/text:encode", None, asked)
    assert "access-control-allow-origin" not in headers
