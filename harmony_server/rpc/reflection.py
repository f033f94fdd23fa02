"""Server reflection, under the two service names that tools use."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection, reflection_pb2

from ..contract.requests import read_request
from ..operations.limits import Limits
from .guard import Guard
from .handlers import EndOfStream
from .open_streams import OpenStream, OpenStreams

# Messages of v1 and v1alpha are the same on the wire. grpcio-reflection only has v1alpha, but some
# tools only ask for v1.
_SERVICES = ("grpc.reflection.v1.ServerReflection", reflection.SERVICE_NAME)

_Context = grpc.aio.ServicerContext[bytes, bytes]


def build_generic_handlers(
    limits: Limits, streams: OpenStreams, services: Iterable[str]
) -> tuple[grpc.GenericRpcHandler, ...]:
    """Returns handlers with which tools find the server's services and messages.

    Args:
        limits: Limits the open streams, those of reflection included.
        streams: Where to register the streams of reflection.
        services: The names of the server's services.
    """
    # v1 is not listed because protobuf's pool lacks its descriptor.
    servicer = reflection.aio.ReflectionServicer(
        (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
    )

    async def describe(context: _Context, open_stream: OpenStream) -> None:
        # An async generator, although its type says coroutine.
        responses: Any = servicer.ServerReflectionInfo(
            _read_requests(context, open_stream), context
        )
        async for response in responses:
            await context.write(response.SerializeToString())

    async def handle(_requests: object, context: _Context) -> None:
        async with Guard(context):
            with limits.streams.holding():
                async with streams.registered(context) as open_stream:
                    await describe(context, open_stream)

    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(handle)
    }
    return tuple(grpc.method_handlers_generic_handler(service, methods) for service in _SERVICES)


async def _read_requests(
    context: _Context, open_stream: OpenStream
) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
    """Reads requests; asks for the service instead of a method, as the pool finds no methods."""
    while not isinstance(data := await context.read(), EndOfStream):
        open_stream.idle_ticks = 0
        request = read_request(reflection_pb2.ServerReflectionRequest, data)
        service, _, method = request.file_containing_symbol.rpartition(".")
        with contextlib.suppress(KeyError):
            if method in descriptor_pool.Default().FindServiceByName(service).methods_by_name:
                request.file_containing_symbol = service
        yield request
