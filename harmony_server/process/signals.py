"""The signals that a serving process and the supervisor of workers obey."""

import asyncio
import signal
from collections.abc import Callable


def obey_signals(stop: asyncio.Event, reload: Callable[[], None]) -> None:
    """Sets `stop` on SIGTERM and SIGINT, and calls `reload` on SIGHUP, in the running loop."""
    loop = asyncio.get_running_loop()
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop_signal, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
