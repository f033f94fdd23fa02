"""The command `health`."""

from pathlib import Path
from typing import cast

import click

from .address_type import address
from .errors import InputError

_EXIT_NOT_SERVING = 1


@click.command(
    epilog=("\b\nExample:\n  harmony-server health --target unix:///run/harmony/harmony.sock\n"),
)
@click.option(
    "--target",
    type=address,
    metavar="ADDRESS",
    default="127.0.0.1:50051",
    envvar="HEALTH_TARGET",
    show_default=True,
    show_envvar=True,
    help="host:port or unix:///path.",
)
@click.option("--service", default="", metavar="NAME", help="The service to ask about.")
@click.option("--tls-ca", metavar="FILE", help="Dial TLS and trust these authorities, PEM.")
@click.option("--tls-certificate", metavar="FILE", help="The client's certificate chain, PEM.")
@click.option("--tls-key", metavar="FILE", help="Its private key, PEM.")
@click.option(
    "--tls-server-name", metavar="NAME", help="The name that the server's certificate must have."
)
@click.option(
    "--timeout", type=click.FloatRange(min=0.01), default=3.0, show_default=True, help="Seconds."
)
@click.pass_context
def health(
    context: click.Context,
    target: str,
    service: str,
    tls_ca: str | None,
    tls_certificate: str | None,
    tls_key: str | None,
    tls_server_name: str | None,
    timeout: float,
) -> None:
    """Ask a server for its health: exit code 0 where it serves, 1 where it does not."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from harmony_client.errors import from_grpc

    options: list[tuple[str, str | int]] = [("grpc.enable_http_proxy", 0)]
    if tls_server_name:
        options.append(("grpc.ssl_target_name_override", tls_server_name))
    if tls_ca:
        credentials = grpc.ssl_channel_credentials(
            _read(tls_ca), _read(tls_key), _read(tls_certificate)
        )
        channel = grpc.secure_channel(target, credentials, options=options)
    else:
        channel = grpc.insecure_channel(target, options=options)
    with channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            response = stub.Check(  # type: ignore[attr-defined]  # the types leave it out
                health_pb2.HealthCheckRequest(service=service), timeout=timeout
            )
        except grpc.RpcError as error:
            click.echo(f"{target}: {from_grpc(cast('grpc.Call', error))}", err=True)
            context.exit(_EXIT_NOT_SERVING)
    click.echo(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
    serving = response.status == health_pb2.HealthCheckResponse.SERVING
    context.exit(0 if serving else _EXIT_NOT_SERVING)


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{error.strerror}", source=path) from None
