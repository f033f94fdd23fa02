"""The server in one process: start-up, reload, shutdown."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence

from .. import core
from ..addresses import Address
from ..contract.methods import services_offered
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

# After the grace period, for telling the remaining streams that the server stops.
_END_STREAMS_SECONDS = 1.0
_MIB = 1024 * 1024

_logger = logging.getLogger(__name__)


class CannotStartError(Exception):
    """The server cannot start; the message tells the operator why."""


class Server:
    """A server in this process, as `running` and each worker start it.

    Args:
        settings: Its settings.
        addresses: Addresses to listen on; None: those in the settings.
        shares_ports: Whether other processes listen on the same TCP ports.

    Attributes:
        telemetry: Its logs, metrics and traces.

    Raises:
        CannotStartError: A file named in the settings is unusable, or a setting needs a package
            that is not installed.
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
        """Reads certificates and tokens again; logs an error and keeps the old if unusable."""
        self._secrets.reload()

    def serve_metrics(self) -> str | None:
        """Serves metrics on `metrics_listen`, in a thread that lives as long as the process.

        Returns:
            The address, with its port; None if `metrics_listen` is unset.

        Raises:
            CannotStartError: The server cannot listen there.
        """
        address, metrics = self._settings.metrics_listen, self.telemetry.metrics
        if address is None or metrics is None:
            return None
        try:
            tokens = self._secrets.metrics_tokens
            return metrics.serve(address, tokens.admit if tokens else None)
        except OSError as error:
            raise CannotStartError(str(error)) from None

    async def serve_until_signal(
        self, ready: Callable[[list[str]], None], stop: asyncio.Event | None = None
    ) -> None:
        """Like `serve`, but SIGTERM and SIGINT set `stop`, and SIGHUP calls `reload`."""
        stop = stop or asyncio.Event()
        obey_signals(stop, self.reload)
        await self.serve(stop, ready)

    async def serve(self, stop: asyncio.Event, ready: Callable[[list[str]], None]) -> None:
        """Serves until `stop` is set, then drains and releases everything it holds.

        Args:
            stop: Set it to shut down: `drain_seconds`, then at most `grace_seconds` for open RPCs.
            ready: Called once the server is healthy, with its addresses and their actual ports.

        Raises:
            CannotStartError: The server cannot listen, or the vocabulary is damaged.
        """
        memory.return_large_blocks()
        services = services_offered(openai=self._settings.openai)
        handlers = Handlers(self._limits)
        health = Health(self._limits, services)
        server = transport.create(
            self._settings,
            self._secrets,
            self.telemetry.observers,
            shares_ports=self._shares_ports,
        )
        server.add_generic_rpc_handlers(
            (
                *handlers.build_generic_handlers(services, self.telemetry.observers),
                health.build_generic_handler(),
            )
        )
        if self._settings.serves_reflection:
            server.add_generic_rpc_handlers(
                reflection.build_generic_handlers(self._limits, handlers.streams, services)
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
        background_tasks = [
            background.start(handlers.end_idle_streams()),
            background.start(self.telemetry.watch_event_loop()),
            background.start(memory.trim_regularly()),
        ]
        health.become_ready()
        ready(bound)
        await stop.wait()
        _logger.debug("stopping")
        health.begin_drain()
        # Load balancers, and clients that watch health, go elsewhere meanwhile.
        await asyncio.sleep(self._settings.drain_seconds)
        health.watches.end()
        grace = self._settings.grace_seconds
        stopping = asyncio.create_task(server.stop(grace + _END_STREAMS_SECONDS))
        await asyncio.wait([stopping], timeout=grace)
        handlers.streams.end()
        await stopping
        handlers.close()
        for task in background_tasks:
            task.cancel()
        self.telemetry.shut_down()


def _warm_up(settings: Settings, limits: Limits) -> Operations:
    """Loads the vocabulary and renders once. Raises RuntimeError if the result is wrong."""
    encoding = core.load_harmony_encoding(core.HarmonyEncodingName.HARMONY_GPT_OSS)
    message = core.Message.from_role_and_content(core.Role.SYSTEM, core.SystemContent.new())
    tokens = encoding.render(message)
    if "Reasoning: medium" not in encoding.decode_utf8(tokens):
        raise RuntimeError("the test render gave a wrong result")
    # Keeps full collections from scanning the vocabulary, which lives as long as the process.
    gc.collect()
    gc.freeze()
    return Operations(
        encoding, limits, TOKEN_PACKING, render_cache_bytes=settings.render_cache_mib * _MIB
    )
