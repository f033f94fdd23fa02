"""The command `serve`."""

import os
import signal
import sys

import click

from .address_type import address


@click.command(
    epilog=(
        "\b\n"
        "Example:\n"
        "  harmony-server serve --listen 127.0.0.1:50051 --listen unix:///run/harmony.sock\n"
    ),
)
@click.option(
    "--listen",
    type=address,
    metavar="ADDRESS",
    multiple=True,
    default=["127.0.0.1:50051"],
    show_default=True,
    help="host:port (port 0: any free one) or unix:///path; may be given several times.",
)
@click.option(
    "--render-cache-mib",
    type=click.IntRange(min=0, max=65_536),
    default=32,
    show_default=True,
    help="How much memory, in MiB, rendered messages may take to be remembered. 0: none are.",
)
@click.pass_context
def serve(context: click.Context, listen: tuple[str, ...], render_cache_mib: int) -> None:
    """Run the server until SIGTERM or SIGINT.

    It prints "listening on ADDRESS" for each address once it is ready.
    """
    # A container's first process ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # What cannot be bound is said once, in this program's words.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Here: no other command is to wait for gRPC.
    from .. import server

    context.exit(server.run(listen, render_cache_bytes=render_cache_mib * 1024 * 1024))
