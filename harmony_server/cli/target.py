"""The options that say where a command works: in this process, or through a server."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from .address_type import address
from .backend import Backend
from .connection import Server, Tls, silence_grpc

_Command = Callable[..., Any]

_TARGET = click.option(
    "--target",
    type=address,
    metavar="ADDRESS",
    help="Work through the server at this address: host:port or unix:///path.",
)
_PROBED_TARGET = click.option(
    "--target",
    type=address,
    metavar="ADDRESS",
    default="127.0.0.1:50051",
    envvar="HEALTH_TARGET",
    show_default=True,
    show_envvar=True,
    help="The server's address: host:port or unix:///path.",
)
_TLS = (
    click.option(
        "--tls-ca",
        metavar="FILE",
        help="Connect with TLS and trust these certificate authorities, PEM file. With other TLS "
        "options only, the command trusts the system's.",
    ),
    click.option(
        "--tls-certificate",
        metavar="FILE",
        help="Connect with TLS and present this certificate chain, PEM file.",
    ),
    click.option("--tls-key", metavar="FILE", help="Private key of --tls-certificate, PEM file."),
    click.option(
        "--tls-server-name",
        metavar="NAME",
        help="Connect with TLS and expect this name in the server's certificate, not the host of "
        "the address.",
    ),
)
_TOKEN = click.option(
    "--token-file",
    metavar="FILE",
    help="Send the bearer token on the first line of this file.",
)


def target_options(command: _Command) -> _Command:
    """Gives a command `--target` and the options of the connection.

    The command gets them as `server`, which is None without `--target`.
    """
    return _with_server(command, _TARGET, *_TLS, _TOKEN)


def probe_options(command: _Command) -> _Command:
    """Gives a command the same options, with a default for `--target` and without `--token-file`.

    The command gets them as `server`.
    """
    return _with_server(command, _PROBED_TARGET, *_TLS)


@contextmanager
def open_backend(server: Server | None) -> Iterator[Backend]:
    """Yields the backend that works through a server, or for None in this process."""
    if server is None:
        from .local import LocalBackend

        yield LocalBackend()
    else:
        silence_grpc()
        from .remote import RemoteBackend

        with RemoteBackend(server) as backend:
            yield backend


def _with_server(command: _Command, *options: Callable[[_Command], _Command]) -> _Command:
    @functools.wraps(command)
    def with_server(
        *arguments: Any,
        target: str | None,
        tls_ca: str | None,
        tls_certificate: str | None,
        tls_key: str | None,
        tls_server_name: str | None,
        token_file: str | None = None,
        **values: Any,
    ) -> Any:
        tls = Tls(tls_ca, tls_certificate, tls_key, tls_server_name)
        return command(*arguments, server=_server(target, tls, token_file), **values)

    for option in reversed(options):
        option(with_server)
    return with_server


def _server(target: str | None, tls: Tls, token_file: str | None) -> Server | None:
    """Returns the server that the options describe.

    Raises:
        click.UsageError: The options do not go together.
    """
    tls_options = {
        "--tls-ca": tls.authorities,
        "--tls-certificate": tls.certificate,
        "--tls-key": tls.key,
        "--tls-server-name": tls.server_name,
    }
    if target is None:
        for option, value in (tls_options | {"--token-file": token_file}).items():
            if value is not None:
                raise click.UsageError(f"{option} needs --target.")
        return None
    if (tls.certificate is None) != (tls.key is None):
        raise click.UsageError("--tls-certificate and --tls-key need each other.")
    is_encrypted = any(value is not None for value in tls_options.values())
    return Server(target, tls if is_encrypted else None, token_file)
