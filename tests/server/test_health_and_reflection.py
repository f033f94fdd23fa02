"""The standard services: health and reflection."""

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.support.failures import Failure, failure_of
from tests.support.standard_services import SERVING, health, reflect, watched_health


@pytest.mark.parametrize("service", ["", "harmony.v1.HarmonyService"])
def test_the_server_and_its_service_are_serving(channel: grpc.Channel, service: str) -> None:
    """Health is SERVING for the server as a whole and for the service by name."""
    assert health(channel, service) == SERVING


def test_health_can_be_watched(channel: grpc.Channel) -> None:
    """A watch begins with the current state."""
    with watched_health(channel) as states:
        assert next(states).status == SERVING


def test_the_health_of_an_unknown_service(channel: grpc.Channel) -> None:
    """The health of an unknown service is NOT_FOUND."""
    failure = failure_of(lambda: health(channel, "harmony.v1.Other"))
    assert failure == Failure(
        grpc.StatusCode.NOT_FOUND, "unknown service", "SERVICE_UNKNOWN", "harmony.v1"
    )


def test_reflection_lists_the_services(channel: grpc.Channel) -> None:
    """Reflection lists the service, health and reflection itself."""
    response = reflect(channel, reflection_pb2.ServerReflectionRequest(list_services="*"))
    assert {service.name for service in response.list_services_response.service} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "harmony.v1.HarmonyService",
    }


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize(
    ("method", "streams"), [("Render", False), ("Parse", True), ("ParseBatch", True)]
)
def test_reflection_describes_a_method(
    channel: grpc.Channel, version: str, method: str, streams: bool
) -> None:
    """Both versions of reflection tell a method's types and whether it streams."""
    request = reflection_pb2.ServerReflectionRequest(
        file_containing_symbol=f"harmony.v1.HarmonyService.{method}"
    )
    response = reflect(channel, request, version)
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(data)
        for data in response.file_descriptor_response.file_descriptor_proto
    ]
    (described,) = (
        found
        for file in files
        for service in file.service
        for found in service.method
        if service.name == "HarmonyService" and found.name == method
    )
    assert described.input_type == f".harmony.v1.{method}Request"
    assert described.output_type == f".harmony.v1.{method}Response"
    assert (described.client_streaming, described.server_streaming) == (streams, streams)


def test_reflection_of_an_unknown_symbol(channel: grpc.Channel) -> None:
    """For an unknown symbol, reflection responds with the error NOT_FOUND."""
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="harmony.v1.Other")
    response = reflect(channel, request)
    assert response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize(
    ("path", "request_type"),
    [
        ("/grpc.health.v1.Health/Check", "grpc.health.v1.HealthCheckRequest"),
        ("/grpc.health.v1.Health/Watch", "grpc.health.v1.HealthCheckRequest"),
        (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "grpc.reflection.v1alpha.ServerReflectionRequest",
        ),
    ],
)
def test_a_malformed_request(channel: grpc.Channel, path: str, request_type: str) -> None:
    """The standard services refuse bytes that do not parse with the service's own error."""
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(path)
    failure = failure_of(lambda: list(call(iter([b"\x0a\x7f"]), timeout=20)))
    assert (failure.code, failure.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "MALFORMED_REQUEST",
    )
    assert failure.message == f"the request is not a valid {request_type}"
