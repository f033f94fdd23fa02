"""Plays vectors through the generated stub."""

import queue
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from devtools.vector_files import Vector
from harmony_client._google import error_details_pb2, status_pb2
from harmony_client.openai.v1 import openai_pb2
from harmony_client.openai.v1.openai_pb2_grpc import OpenAIServiceStub
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

from .comparing import Received, differences

# Each service with its stub.
_SERVICES: tuple[tuple[ServiceDescriptor, Callable[[grpc.Channel], object]], ...] = (
    (service_pb2.DESCRIPTOR.services_by_name["HarmonyService"], HarmonyServiceStub),
    (openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"], OpenAIServiceStub),
)
_DEADLINE_SECONDS = 30
_DETAILS_KEY = "grpc-status-details-bin"
# Importing these types lets json_format print google.protobuf.Any.
_DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest)


def play(channel: grpc.Channel, vector: Vector) -> list[str]:
    """Makes a vector's call and returns a line for each difference."""
    for service, stub in _SERVICES:
        if method := service.methods_by_name.get(vector.rpc):
            return _play_method(method, getattr(stub(channel), vector.rpc), vector)
    return [f"no such RPC: {vector.rpc}"]


def _play_method(method: MethodDescriptor, call: Any, vector: Vector) -> list[str]:
    request_type = message_factory.GetMessageClass(method.input_type)
    requests = [json_format.ParseDict(request, request_type()) for request in vector.requests]
    received = _play_stream if method.client_streaming else _play_unary
    return differences(vector, received(call, requests))


def _play_unary(call: Any, requests: list[Message]) -> Received:
    (request,) = requests
    try:
        response = call(request, timeout=_DEADLINE_SECONDS)
    except grpc.RpcError as error:
        return _failed(error, [])
    return Received([json_format.MessageToDict(response)])


def _play_stream(call: Any, requests: list[Message]) -> Received:
    written: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    stream = call(iter(written.get, None), timeout=_DEADLINE_SECONDS)
    responses: list[Message] = []
    try:
        responses.extend(_in_lock_step(requests, written, stream))
    except grpc.RpcError as error:
        return _failed(error, responses)
    finally:
        written.put(None)
    return Received([json_format.MessageToDict(response) for response in responses])


def _in_lock_step(
    requests: Iterable[Message],
    written: "queue.SimpleQueue[Message | None]",
    stream: Iterator[Message],
) -> Iterator[Message]:
    """Writes and reads in turn, then half-closes and reads the remaining responses."""
    for request in requests:
        written.put(request)
        response = next(stream, None)
        if response is None:
            return
        yield response
    written.put(None)
    yield from stream


def _failed(error: grpc.RpcError, responses: list[Message]) -> Received:
    # The raised error is also the call, which gRPC's type stubs do not say.
    call: Any = error
    status = None
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            status = json_format.MessageToDict(status_pb2.Status.FromString(value))
    return Received(
        [json_format.MessageToDict(response) for response in responses],
        call.code().value[0],
        status,
    )
