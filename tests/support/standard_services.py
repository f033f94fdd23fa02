"""Calls to the standard services, by method name because their stubs have no types."""

import contextlib
from collections.abc import Iterator

import grpc
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_DEADLINE_SECONDS = 60


def health(channel: grpc.Channel, service: str = "") -> int:
    """Returns the health of a service, by default of the whole server."""
    call: grpc.UnaryUnaryMultiCallable[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ] = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    request = health_pb2.HealthCheckRequest(service=service)
    return call(request, timeout=_DEADLINE_SECONDS, wait_for_ready=True).status


@contextlib.contextmanager
def watched_health(channel: grpc.Channel) -> Iterator[Iterator[health_pb2.HealthCheckResponse]]:
    """Watches the health of the whole server."""
    method: grpc.UnaryStreamMultiCallable[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ] = channel.unary_stream(
        "/grpc.health.v1.Health/Watch",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    call = method(health_pb2.HealthCheckRequest(), timeout=_DEADLINE_SECONDS, wait_for_ready=True)
    try:
        yield iter(call)
    finally:
        call.cancel()


def reflect(
    channel: grpc.Channel,
    request: reflection_pb2.ServerReflectionRequest,
    version: str = "v1",
) -> reflection_pb2.ServerReflectionResponse:
    """Sends one request to the reflection service."""
    call: grpc.StreamStreamMultiCallable[
        reflection_pb2.ServerReflectionRequest, reflection_pb2.ServerReflectionResponse
    ] = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    responses: Iterator[reflection_pb2.ServerReflectionResponse] = call(
        iter([request]), timeout=_DEADLINE_SECONDS
    )
    (response,) = responses
    return response
