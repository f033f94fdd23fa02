"""The server process: sockets, health, start-up, shutdown."""

import asyncio
import gc
import logging
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from . import core
from .addresses import Address
from .handlers import SERVICE_NAME, Handlers
from .open_streams import OpenStreams
from .service import HarmonyService
from .unix_sockets import lock_socket

EXIT_OK = 0
# The server could not start: an address in use, a damaged vocabulary.
EXIT_CANNOT_START = 1

# Large enough for a long document, small enough for a sidecar of a few hundred megabytes.
MAX_REQUEST_BYTES = 16 * 1024 * 1024
# How long running RPCs may go on after a signal.
SHUTDOWN_GRACE_SECONDS = 5.0
# How long streams have to be told, when that is over, that the server stops.
_END_STREAMS_SECONDS = 1.0

_CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", -1),
    # A second server on the same port is an error, not a silent sharer.
    ("grpc.so_reuseport", 0),
    # Clients may ping this often; gRPC's default of five minutes drops clients that keep alive.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
]
# How long watches of the health have to see that the server is not serving any more.
_WATCH_SECONDS = 0.2
if TYPE_CHECKING:
    _WatchContext = grpc.aio.ServicerContext[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ]

_HEALTH_SERVICES = ("", SERVICE_NAME)

_logger = logging.getLogger(__name__)


def run(listen: Sequence[str], *, render_cache_bytes: int) -> int:
    """Serves until SIGTERM or SIGINT, and returns the exit code.

    Args:
        listen: Addresses, `host:port` or `unix:///path`.
        render_cache_bytes: The bound of the render cache; 0 switches it off.

    Prints `listening on ADDRESS` for each address once the server is healthy.

    Raises:
        AddressError: An address is malformed.
    """
    return asyncio.run(_serve([Address.parse(text) for text in listen], render_cache_bytes))


async def _serve(addresses: Sequence[Address], render_cache_bytes: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    handlers = Handlers()
    health_servicer = _HealthServicer()
    server = grpc.aio.server(options=_CHANNEL_OPTIONS)
    server.add_generic_rpc_handlers((handlers.generic_handler(),))
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection(
        (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    # The stock servicer starts as SERVING.
    await _set_health(health_servicer, health_pb2.HealthCheckResponse.NOT_SERVING)
    try:
        bound = [_bind(server, address) for address in addresses]
        await server.start()
        handlers.start(await asyncio.to_thread(_warm_up, render_cache_bytes))
    except (OSError, RuntimeError) as error:
        _logger.error("cannot start: %s", error)
        health_servicer.watches.end()
        await server.stop(_END_STREAMS_SECONDS)
        handlers.close()
        return EXIT_CANNOT_START
    await _set_health(health_servicer, health_pb2.HealthCheckResponse.SERVING)
    for address in bound:
        print(f"listening on {address}", flush=True)
    await stop.wait()
    _logger.info("stopping")
    await health_servicer.enter_graceful_shutdown()
    await asyncio.sleep(_WATCH_SECONDS)
    health_servicer.watches.end()
    stopping = asyncio.create_task(server.stop(SHUTDOWN_GRACE_SECONDS + _END_STREAMS_SECONDS))
    await asyncio.wait([stopping], timeout=SHUTDOWN_GRACE_SECONDS)
    handlers.streams.end()
    await stopping
    handlers.close()
    return EXIT_OK


class _HealthServicer(health.aio.HealthServicer):
    """The stock servicer, whose watches can be ended.

    Attributes:
        watches: The open watches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.watches = OpenStreams()

    async def Watch(  # noqa: N802  # the name is that of the RPC
        self,
        request: health_pb2.HealthCheckRequest,
        context: "_WatchContext",
    ) -> None:
        """Reports the status of a service, now and whenever it changes."""
        async with self.watches.containing(context):
            await super().Watch(request, context)


def _bind(server: grpc.aio.Server, address: Address) -> str:
    """Binds an address and returns it with the port that was chosen."""
    try:
        if address.socket_path is not None:
            lock_socket(address.socket_path)
        port = server.add_insecure_port(address.text)
    except BlockingIOError:
        raise OSError(f"cannot listen on {address.text}: another server does") from None
    except OSError as error:
        raise OSError(f"cannot listen on {address.text}: {error.strerror}") from None
    except RuntimeError:
        # gRPC does not say which.
        raise OSError(f"cannot listen on {address.text}: in use, or not allowed") from None
    return address.with_port(port)


def _warm_up(render_cache_bytes: int) -> HarmonyService:
    """Loads the vocabulary and proves that it renders."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    message = core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new())
    tokens = encoding.render(message)
    if "Reasoning: medium" not in encoding.decode_utf8(tokens):
        raise RuntimeError("the first render went wrong")
    # What lives as long as the process is not looked at again by every full collection.
    gc.collect()
    gc.freeze()
    return HarmonyService(encoding, render_cache_bytes=render_cache_bytes)


async def _set_health(
    servicer: health.aio.HealthServicer,
    status: int,
) -> None:
    for service in _HEALTH_SERVICES:
        await servicer.set(service, status)
