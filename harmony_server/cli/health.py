"""The command `health`."""

from typing import TYPE_CHECKING, cast

import click

from .connection import Server, silence_grpc
from .target import probe_options

if TYPE_CHECKING:
    import grpc

_EXIT_NOT_SERVING = 1


@click.command(
    epilog="\b\nExample:\n  harmony-server health --target unix:///run/harmony/harmony.sock\n",
)
@click.option(
    "--service",
    default="",
    metavar="NAME",
    help="The service to ask about. By default the server as a whole.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.01),
    default=3.0,
    show_default=True,
    help="Seconds to wait for the answer.",
)
@probe_options
@click.pass_context
def health(context: click.Context, server: Server, service: str, timeout: float) -> None:
    """Ask a server for its health.

    The exit code is 0 if the answer is SERVING, otherwise 1. Health needs no token.
    """
    silence_grpc()
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from harmony_client.errors import from_grpc

    with _open_channel(server) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            response = stub.Check(  # type: ignore[attr-defined]  # its types lack the method
                health_pb2.HealthCheckRequest(service=service), timeout=timeout
            )
        except grpc.RpcError as error:
            click.echo(f"{server.address}: {from_grpc(cast('grpc.Call', error))}", err=True)
            context.exit(_EXIT_NOT_SERVING)
    click.echo(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
    serving = response.status == health_pb2.HealthCheckResponse.SERVING
    context.exit(0 if serving else _EXIT_NOT_SERVING)


def _open_channel(server: Server) -> "grpc.Channel":
    import grpc

    # A proxy for the internet cannot reach a server on this machine.
    options = [("grpc.enable_http_proxy", 0), *server.channel_options()]
    credentials = server.credentials()
    if credentials is None:
        return grpc.insecure_channel(server.address, options=options)
    return grpc.secure_channel(server.address, credentials, options=options)
