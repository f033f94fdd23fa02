"""The signals that a serving process obeys."""

import asyncio
import signal
from collections.abc import Callable


def obey_signals(stop: asyncio.Event, reload: Callable[[], None]) -> None:
    """Sets `stop` on SIGTERM and SIGINT, and calls `reload` on SIGHUP."""
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
