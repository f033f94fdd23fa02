"""The server process: start-up, reload, shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal

from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from . import core, transport
from .handlers import SERVICE_NAME, Handlers
from .health import HealthServicer
from .limits import Limits
from .secret_files import SecretFiles
from .service import HarmonyService
from .settings import Settings

EXIT_OK = 0
# The server could not start: an address in use, a damaged vocabulary.
EXIT_CANNOT_START = 1

# How long streams have to be told, when the grace is over, that the server stops.
_END_STREAMS_SECONDS = 1.0
_MIB = 1024 * 1024

_logger = logging.getLogger(__name__)


def run(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT, and returns the exit code.

    Prints `listening on ADDRESS` for each address once the server is healthy.
    """
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        secrets = SecretFiles.from_settings(settings)
    except (OSError, ValueError) as error:
        _logger.error("cannot start: %s", error)
        return EXIT_CANNOT_START
    loop.add_signal_handler(signal.SIGHUP, secrets.reload)
    limits = Limits.from_settings(settings)
    handlers = Handlers(limits)
    health_servicer = HealthServicer()
    await health_servicer.start()
    server = transport.create(settings, secrets)
    server.add_generic_rpc_handlers((handlers.generic_handler(),))
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    if settings.serves_reflection:
        services = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(services, server)
    try:
        bound = [
            transport.bind(server, address, settings, secrets) for address in settings.addresses
        ]
        await server.start()
        handlers.start(await asyncio.to_thread(_warm_up, settings, limits))
    except (OSError, RuntimeError) as error:
        _logger.error("cannot start: %s", error)
        health_servicer.watches.end()
        await server.stop(_END_STREAMS_SECONDS)
        handlers.close()
        return EXIT_CANNOT_START
    await health_servicer.become_ready()
    for address in bound:
        print(f"listening on {address}", flush=True)
    async with asyncio.TaskGroup() as background:
        sweeping = background.create_task(handlers.end_idle_streams())
        await stop.wait()
        sweeping.cancel()
    _logger.info("stopping")
    await health_servicer.begin_drain()
    # Balancers and clients that watch the health go elsewhere meanwhile.
    await asyncio.sleep(settings.drain_seconds)
    health_servicer.watches.end()
    stopping = asyncio.create_task(server.stop(settings.grace_seconds + _END_STREAMS_SECONDS))
    await asyncio.wait([stopping], timeout=settings.grace_seconds)
    handlers.streams.end()
    await stopping
    handlers.close()
    return EXIT_OK


def _warm_up(settings: Settings, limits: Limits) -> HarmonyService:
    """Loads the vocabulary and proves that it renders."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    message = core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new())
    tokens = encoding.render(message)
    if "Reasoning: medium" not in encoding.decode_utf8(tokens):
        raise RuntimeError("the first render went wrong")
    # What lives as long as the process is not looked at again by every full collection.
    gc.collect()
    gc.freeze()
    return HarmonyService(encoding, limits, render_cache_bytes=settings.render_cache_mib * _MIB)
