"""One process that serves: start-up, reload, shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence

from .. import core
from ..addresses import Address
from ..operations.limits import Limits
from ..operations.operations import Operations
from ..rpc import reflection
from ..rpc.handlers import Handlers
from ..rpc.health import Health
from ..service.unary import TOKEN_PACKING
from ..settings import Settings
from ..telemetry import Telemetry
from . import background, memory, transport
from .secret_files import SecretFiles
from .signals import obey_signals

# How long streams have to be told, when the grace is over, that the server stops.
_END_STREAMS_SECONDS = 1.0
_MIB = 1024 * 1024

_logger = logging.getLogger(__name__)


class CannotStartError(Exception):
    """A server that ends before it has served, and why, in words for its operator."""


class Server:
    """A server in this process.

    Args:
        settings: What it is to be like.
        addresses: Where it is to listen; None: where the settings say.
        shares_ports: Whether other processes listen on the same TCP ports.

    Attributes:
        telemetry: Its logs, metrics and traces.

    Raises:
        CannotStartError: A file that a setting names cannot be used, or a package that a setting
            needs is not installed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        addresses: Sequence[Address] | None = None,
        shares_ports: bool = False,
    ) -> None:
        self._settings = settings
        self._addresses = settings.addresses if addresses is None else addresses
        self._limits = Limits.from_settings(settings)
        self._shares_ports = shares_ports
        try:
            self._secrets = SecretFiles.from_settings(settings)
            self.telemetry = Telemetry(settings)
        except (ImportError, OSError, ValueError) as error:
            raise CannotStartError(str(error)) from None

    def reload(self) -> None:
        """Reads certificates and tokens again."""
        self._secrets.reload()

    def serve_metrics(self) -> str | None:
        """Serves the metrics where the settings say, and returns their address, if any.

        Raises:
            CannotStartError: It cannot listen there.
        """
        address, metrics = self._settings.metrics_listen, self.telemetry.metrics
        if address is None or metrics is None:
            return None
        try:
            return metrics.serve(address)
        except OSError as error:
            raise CannotStartError(str(error)) from None

    async def serve_until_signal(
        self, ready: Callable[[list[str]], None], stop: asyncio.Event | None = None
    ) -> None:
        """Serves until SIGTERM, SIGINT or `stop`; SIGHUP reloads certificates and tokens.

        Arguments and errors are those of `serve`.
        """
        stop = stop or asyncio.Event()
        obey_signals(stop, self.reload)
        await self.serve(stop, ready)

    async def serve(self, stop: asyncio.Event, ready: Callable[[list[str]], None]) -> None:
        """Serves until `stop` is set.

        Calls `ready` with the addresses, ports chosen, once the server is healthy.

        Raises:
            CannotStartError: It cannot listen, or the vocabulary is damaged.
        """
        memory.return_large_blocks()
        handlers = Handlers(self._limits)
        health = Health(self._limits)
        server = transport.create(
            self._settings,
            self._secrets,
            self.telemetry.observers,
            shares_ports=self._shares_ports,
        )
        server.add_generic_rpc_handlers(
            (
                handlers.build_generic_handler(self.telemetry.observers),
                health.build_generic_handler(),
            )
        )
        if self._settings.serves_reflection:
            server.add_generic_rpc_handlers(
                reflection.build_generic_handlers(self._limits, handlers.streams)
            )
        try:
            bound = [
                transport.bind(server, address, self._settings, self._secrets)
                for address in self._addresses
            ]
            await server.start()
            operations = await asyncio.to_thread(_warm_up, self._settings, self._limits)
        except (OSError, RuntimeError) as error:
            health.watches.end()
            await server.stop(_END_STREAMS_SECONDS)
            handlers.close()
            raise CannotStartError(str(error)) from None
        self.telemetry.add_operations(operations)
        handlers.start(operations)
        beside = [
            background.start(handlers.end_idle_streams()),
            background.start(self.telemetry.watch_event_loop()),
            background.start(memory.give_back_regularly()),
        ]
        health.become_ready()
        ready(bound)
        await stop.wait()
        _logger.debug("stopping")
        health.begin_drain()
        # Balancers and clients that watch the health go elsewhere meanwhile.
        await asyncio.sleep(self._settings.drain_seconds)
        health.watches.end()
        grace = self._settings.grace_seconds
        stopping = asyncio.create_task(server.stop(grace + _END_STREAMS_SECONDS))
        await asyncio.wait([stopping], timeout=grace)
        handlers.streams.end()
        await stopping
        handlers.close()
        for task in beside:
            task.cancel()
        self.telemetry.shut_down()


def _warm_up(settings: Settings, limits: Limits) -> Operations:
    """Loads the vocabulary and proves that it renders."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    message = core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new())
    tokens = encoding.render(message)
    if "Reasoning: medium" not in encoding.decode_utf8(tokens):
        raise RuntimeError("the first render went wrong")
    # What lives as long as the process is not looked at again by every full collection.
    gc.collect()
    gc.freeze()
    return Operations(
        encoding, limits, TOKEN_PACKING, render_cache_bytes=settings.render_cache_mib * _MIB
    )
