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


def add_reflection(server: grpc.aio.Server) -> None:
    """Lets tools find the services of the server and their messages."""
    # The newer name is not listed: its file is not there to be described.
    servicer = _Servicer((SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME))
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(service, methods) for service in _SERVICES)
    )


class _Servicer(reflection.aio.ReflectionServicer):
    async def ServerReflectionInfo(  # noqa: N802  # the name is that of the RPC
        self,
        request_iterator: AsyncIterable[reflection_pb2.ServerReflectionRequest],
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        """Answers each request as the stock servicer does, and knows methods."""
        async for response in super().ServerReflectionInfo(_with_files(request_iterator), context):
            yield response


async def _with_files(
    requests: AsyncIterable[reflection_pb2.ServerReflectionRequest],
) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
    """Asks for a method's service: protobuf's pool finds the file of that, not of the method."""
    async for request in requests:
        service, _, method = request.file_containing_symbol.rpartition(".")
        with contextlib.suppress(KeyError):
            if method in descriptor_pool.Default().FindServiceByName(service).methods_by_name:
                request.file_containing_symbol = service
        yield request
