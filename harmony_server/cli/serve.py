"""The command `serve`."""

import os
import signal
import sys
from typing import Any

import click

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

    It prints "listening on ADDRESS" for each address once it is ready. SIGHUP reads certificates
    and tokens again. Exit codes: 0 stopped by a signal, 1 cannot start, 2 wrong settings.
    """
    # A container's first process ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Certificates and tokens are still to be read.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    settings, _ = load_settings(config, options)
    # What cannot be bound is said once, in this program's words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Here: no other command is to wait for gRPC.
    from ..running import run

    context.exit(run(settings))
