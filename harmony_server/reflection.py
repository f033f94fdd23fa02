"""Server reflection, under both names that tools ask for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection, reflection_pb2

from .handlers import SERVICE_NAME

# The messages of v1 and v1alpha are the same on the wire; grpcio-reflection knows the older name
# alone, and tools that know only the newer one would find nothing.
_SERVICES = ("grpc.reflection.v1.ServerReflection", reflection.SERVICE_NAME)


_Requests = AsyncIterable[reflection_pb2.ServerReflectionRequest]


def add_reflection(server: grpc.aio.Server) -> None:
    """Lets tools find the services of the server and their messages."""
    # The newer name is not listed: its file is not there to be described.
    stock = reflection.aio.ReflectionServicer(
        (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
    )

    async def describe(
        requests: _Requests, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        # The types take the generator for a coroutine.
        responses: Any = stock.ServerReflectionInfo(_with_files(requests), context)
        async for response in responses:
            yield response

    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        describe,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(service, methods) for service in _SERVICES)
    )


async def _with_files(
    requests: _Requests,
) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
    """Asks for a method's service: protobuf's pool finds the file of that, not of the method."""
    async for request in requests:
        service, _, method = request.file_containing_symbol.rpartition(".")
        with contextlib.suppress(KeyError):
            if method in descriptor_pool.Default().FindServiceByName(service).methods_by_name:
                request.file_containing_symbol = service
        yield request
