"""A gRPC server that records requests and returns the responses that a test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from harmony_client._google import error_details_pb2, status_pb2
from harmony_client.openai.v1 import openai_pb2
from harmony_client.v1 import service_pb2

SERVICES = (
    service_pb2.DESCRIPTOR.services_by_name["HarmonyService"],
    openai_pb2.DESCRIPTOR.services_by_name["OpenAIService"],
)

Answer = Callable[[Message, grpc.ServicerContext], Message]
AnswerStream = Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]


class RecordedCall(NamedTuple):
    """One call, as the server received it."""

    method: str
    request: Message
    metadata: dict[str, str | bytes]
    seconds_left: float


class RecordingServer:
    """Serves every method, with an empty response unless a test sets another."""

    def __init__(self) -> None:
        self.calls: list[RecordedCall] = []
        self.answers: dict[str, Answer] = {}
        self.streams: dict[str, AnswerStream] = {}
        self.address = ""
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=4), options=[("grpc.max_receive_message_length", -1)]
        )
        for service in SERVICES:
            handlers = {method.name: self._handler(method) for method in service.methods}
            self._server.add_registered_method_handlers(service.full_name, handlers)

    def start(self, address: str) -> None:
        """Listens on an address, and sets `address` to the one to connect to."""
        port = self._server.add_insecure_port(address)
        self._server.start()
        self.address = address if address.startswith("unix:") else f"127.0.0.1:{port}"

    def stop(self) -> None:
        """Stops at once."""
        self._server.stop(None).wait()

    def last_request(self, method: str) -> Message:
        """Returns the request of the last call, which must be to `method`."""
        assert self.calls[-1].method == method
        return self.calls[-1].request

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(
                lambda *arguments: self.streams[method.name](*arguments),
                request_deserializer=request.FromString,
                response_serializer=response.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._behaviour(method.name, response),
            request_deserializer=request.FromString,
            response_serializer=response.SerializeToString,
        )

    def _behaviour(self, method: str, response: type[Message]) -> Answer:
        def answer(request: Message, context: grpc.ServicerContext) -> Message:
            metadata = dict(context.invocation_metadata())
            self.calls.append(RecordedCall(method, request, metadata, context.time_remaining()))
            if method in self.answers:
                return self.answers[method](request, context)
            return response()

        return answer


def failing(code: grpc.StatusCode, message: str, *details: Message) -> Answer:
    """Returns an answer that ends the call with a status and rich details."""

    def answer(_: Message, context: grpc.ServicerContext) -> Message:
        status = status_pb2.Status(code=code.value[0], message=message)
        for detail in details:
            status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, message)

    return answer


def bad_field(field: str, description: str) -> error_details_pb2.BadRequest:
    """Returns the error detail that names an invalid field."""
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
        ]
    )
