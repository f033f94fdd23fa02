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
    """Through Envoy, a call succeeds with the same message as without."""
    response = call(gateway, "Render", RENDER.SerializeToString(), content_type)
    assert response.http_status == 200
    assert response.headers["content-type"].startswith(content_type)
    assert response.grpc_status == 0
    (message,) = response.messages
    assert service_pb2.RenderResponse.FromString(message) == stub.Render(RENDER)


@content_types
def test_a_large_response(gateway: Gateway, stub: HarmonyServiceStub, content_type: str) -> None:
    """A response larger than Envoy's buffers is complete."""
    request = service_pb2.EncodeRequest(text="a b c d " * 250_000)
    response = call(gateway, "Encode", request.SerializeToString(), content_type)
    (message,) = response.messages
    assert len(message) > 1_000_000
    assert service_pb2.EncodeResponse.FromString(message) == stub.Encode(request)


@content_types
def test_an_error(gateway: Gateway, stub: HarmonyServiceStub, content_type: str) -> None:
    """An error has the same code, message and details as without Envoy, readable by the page."""
    response = call(gateway, "Render", WRONG.SerializeToString(), content_type, origin=PAGE)
    expected = status_of(lambda: stub.Render(WRONG))
    assert response.http_status == 200
    assert response.messages == []
    assert (response.grpc_status, response.trailers["grpc-message"]) == (
        expected.code,
        expected.message,
    )
    assert status_pb2.Status.FromString(response.details) == expected
    exposed = set(response.headers["access-control-expose-headers"].split(", "))
    assert exposed == {"grpc-status", "grpc-message", "grpc-status-details-bin"}


def test_a_deadline(gateway: Gateway) -> None:
    """The server applies the deadline that the page sends."""
    request = service_pb2.EncodeRequest(text="a b c d " * 250_000)
    response = call(gateway, "Encode", request.SerializeToString(), BINARY, grpc_timeout="20m")
    assert response.grpc_status == 4


@pytest.mark.parametrize("path", ["/harmony.v1.HarmonyService/Render", "/v1/messages:render"])
def test_a_preflight(gateway: Gateway, path: str) -> None:
    """A page from an allowed origin may call, with the headers that gRPC-Web and JSON need."""
    preflight = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-grpc-web,x-user-agent,grpc-timeout",
    }
    status, headers, _ = exchange(gateway, "OPTIONS", path, None, preflight)
    assert status == 200
    assert headers["access-control-allow-origin"] == PAGE
    assert "POST" in headers["access-control-allow-methods"]
    allowed = set(headers["access-control-allow-headers"].split(", "))
    assert set(preflight["access-control-request-headers"].split(",")) <= allowed


def test_pages_of_other_origins(gateway: Gateway) -> None:
    """A response to a page from another origin lacks the header that allows reading it."""
    request = RENDER.SerializeToString()
    listed = call(gateway, "Render", request, BINARY, origin=PAGE)
    assert listed.headers["access-control-allow-origin"] == PAGE
    other = call(gateway, "Render", request, BINARY, origin="https://other.example.com")
    assert "access-control-allow-origin" not in other.headers
    preflight = {"origin": "https://other.example.com", "access-control-request-method": "POST"}
    _, headers, _ = exchange(gateway, "OPTIONS", "/v1/text:encode", None, preflight)
    assert "access-control-allow-origin" not in headers
