"""The command `serve`."""

import os
import signal
from typing import Any

import click

from .. import exit_codes
from .connection import silence_grpc
from .settings_options import load_settings, settings_options


@click.command(
    epilog=(
        "\b\n"
        "Example:\n"
        "  harmony-server serve --listen 127.0.0.1:50051 --listen unix:///run/harmony.sock\n"
    ),
)
@settings_options
@click.pass_context
def serve(context: click.Context, /, config: str | None, **options: Any) -> None:
    """Run the server until SIGTERM or SIGINT.

    When the server is ready, it prints "listening on ADDRESS" for each address. SIGHUP reloads
    certificates and tokens. Exit codes: 0 stopped by a signal, 1 could not start, 2 invalid
    settings.
    """
    # The first process of a container ignores a signal that has no handler.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(exit_codes.OK))
    # Nothing to reload yet: certificates and tokens have not been read.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings, _ = load_settings(config, options)
    # The server reports an address that is in use itself.
    silence_grpc()
    # Imported late: no other command should wait for it.
    from ..running import run

    context.exit(run(settings))
