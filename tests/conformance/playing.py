"""Plays vectors through the generated stub."""

import queue
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from devtools.vector_files import Vector
from harmony_client._google import error_details_pb2, status_pb2
from harmony_client.v1 import service_pb2
from harmony_client.v1.service_pb2_grpc import HarmonyServiceStub

from .comparing import Received, differences

_SERVICE = service_pb2.DESCRIPTOR.services_by_name["HarmonyService"]
_DEADLINE_SECONDS = 30
_DETAILS_KEY = "grpc-status-details-bin"
# Importing these types lets json_format print google.protobuf.Any.
_DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest)


def play(stub: HarmonyServiceStub, vector: Vector) -> list[str]:
    """Makes a vector's call and returns a line for each difference."""
    method = _SERVICE.methods_by_name.get(vector.rpc)
    if method is None:
        return [f"no such RPC: {vector.rpc}"]
    request_type = message_factory.GetMessageClass(method.input_type)
    requests = [json_format.ParseDict(request, request_type()) for request in vector.requests]
    call = getattr(stub, vector.rpc)
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
