"""gRPC-Web as a browser sends it: a POST over HTTP/1.1, with frames built by hand."""

from __future__ import annotations

import base64
import http.client
import struct
from dataclasses import dataclass, field
from email.message import Message as Headers
from urllib.parse import unquote

from .gateway import Gateway

BINARY = "application/grpc-web+proto"
TEXT = "application/grpc-web-text"

# The bit of a frame's first byte that marks trailers.
_TRAILERS = 0x80
_SECONDS = 60


@dataclass
class Response:
    """A response.

    Attributes:
        http_status: The HTTP status, which is 200 for gRPC errors too.
        headers: The HTTP headers.
        messages: The serialized messages.
        trailers: The trailers by lower-case name, from a frame or from the headers.
    """

    http_status: int
    headers: Headers
    messages: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def grpc_status(self) -> int:
        """The gRPC status code."""
        return int(self.trailers["grpc-status"])

    @property
    def details(self) -> bytes:
        """The serialized google.rpc.Status."""
        text = self.trailers["grpc-status-details-bin"]
        # gRPC omits the padding.
        return base64.b64decode(text + "=" * (-len(text) % 4))


def call(
    gateway: Gateway, method: str, request: bytes, content_type: str, **headers: str
) -> Response:
    """Makes a unary call.

    Args:
        gateway: The gateway to call.
        method: The method's name.
        request: The serialized request.
        content_type: `BINARY` or `TEXT`.
        headers: Additional headers, with `_` for `-`.
    """
    body = struct.pack(">BI", 0, len(request)) + request
    if content_type == TEXT:
        body = base64.b64encode(body)
    sent = {"content-type": content_type, "accept": content_type, "x-grpc-web": "1"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/harmony.v1.HarmonyService/{method}"
    status, received, data = exchange(gateway, "POST", path, body, sent)
    response = Response(status, received)
    if content_type == TEXT:
        data = _decoded(data)
    _read_frames(data, response)
    # A response without a message has its trailers among the headers.
    for name in ("grpc-status", "grpc-message", "grpc-status-details-bin"):
        if name in received:
            response.trailers.setdefault(name, received[name])
    response.trailers["grpc-message"] = unquote(response.trailers.get("grpc-message", ""))
    return response


def exchange(
    gateway: Gateway, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, Headers, bytes]:
    """Sends an HTTP/1.1 request; returns the response's status, headers and body."""
    connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=_SECONDS)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def _decoded(text: bytes) -> bytes:
    """Decodes base64 that may have padding at the end of any chunk."""
    whole = [text[start : start + 4] for start in range(0, len(text), 4)]
    return b"".join(map(base64.b64decode, whole))


def _read_frames(data: bytes, response: Response) -> None:
    while data:
        flags, length = struct.unpack_from(">BI", data)
        payload, data = data[5 : 5 + length], data[5 + length :]
        assert len(payload) == length, "a frame was cut off"
        if flags & _TRAILERS:
            for line in payload.decode("ascii").splitlines():
                name, _, value = line.partition(":")
                response.trailers[name.strip().lower()] = value.strip()
        else:
            response.messages.append(payload)
