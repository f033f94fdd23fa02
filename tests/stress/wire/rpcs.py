"""Every RPC of the server, with valid requests in bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, message_factory
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from devtools import vector_files
from harmony_client.v1 import service_pb2

_MOST_BYTES = 8 * 1024


@dataclass(frozen=True)
class Rpc:
    """A method and valid calls of it.

    Attributes:
        path: Its path.
        streams_requests: Whether a call has several requests.
        streams_responses: Whether a call has several responses.
        endless: Whether a call runs until its client cancels it.
        response_type: The type of its responses.
        calls: Valid calls, each a list of requests.
    """

    path: str
    streams_requests: bool
    streams_responses: bool
    endless: bool
    response_type: type[Message]
    calls: list[list[bytes]]

    @property
    def requests(self) -> list[bytes]:
        """The requests of all calls."""
        return [request for call in self.calls for request in call] or [b""]


def every_rpc() -> list[Rpc]:
    """Returns the methods of the service, health and reflection."""
    return [*_of_the_service(), *_of_health(), *_of_reflection()]


def _of_the_service() -> list[Rpc]:
    vectors = vector_files.read_vectors(vector_files.FOLDER)
    service = service_pb2.DESCRIPTOR.services_by_name["HarmonyService"]
    rpcs = []
    for method in service.methods:
        request_type = message_factory.GetMessageClass(method.input_type)
        calls = [
            [
                json_format.ParseDict(request, request_type()).SerializeToString()
                for request in each.requests
            ]
            for each in vectors
            if each.rpc == method.name
        ]
        small = [call for call in calls if sum(map(len, call)) <= _MOST_BYTES]
        rpcs.append(_rpc(f"/{service.full_name}/{method.name}", method, small))
    return rpcs


def _of_health() -> list[Rpc]:
    services = ("", "liveness", "readiness", "harmony.v1.HarmonyService", "no such service")
    calls = _calls_of_one(health_pb2.HealthCheckRequest(service=service) for service in services)
    methods = health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name
    return [
        _rpc("/grpc.health.v1.Health/Check", methods["Check"], calls),
        _rpc("/grpc.health.v1.Health/Watch", methods["Watch"], calls, endless=True),
    ]


def _of_reflection() -> list[Rpc]:
    name = "harmony.v1.HarmonyService"
    calls = _calls_of_one(
        [
            reflection_pb2.ServerReflectionRequest(list_services="*"),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=name),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=f"{name}.Parse"),
            reflection_pb2.ServerReflectionRequest(file_by_filename="harmony/v1/chat.proto"),
            reflection_pb2.ServerReflectionRequest(all_extension_numbers_of_type=name),
            reflection_pb2.ServerReflectionRequest(
                file_containing_extension=reflection_pb2.ExtensionRequest(
                    containing_type=name, extension_number=7
                )
            ),
        ]
    )
    service = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    (method,) = service.methods
    return [
        _rpc(f"/grpc.reflection.{version}.ServerReflection/{method.name}", method, calls)
        for version in ("v1", "v1alpha")
    ]


def _calls_of_one(requests: Iterable[Message]) -> list[list[bytes]]:
    return [[request.SerializeToString()] for request in requests]


def _rpc(path: str, method: Any, calls: list[list[bytes]], *, endless: bool = False) -> Rpc:
    return Rpc(
        path,
        method.client_streaming,
        method.server_streaming,
        endless,
        message_factory.GetMessageClass(method.output_type),
        calls,
    )
