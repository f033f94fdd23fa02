"""The gRPC server object and its sockets, built from the settings."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from .. import bounds
from ..addresses import Address
from ..contract.methods import methods_offered
from ..rpc.authentication import Authentication
from ..settings import Settings
from ..telemetry.rpcs import Observer
from .secret_files import SecretFiles
from .unix_sockets import file_mode, lock_socket, make_folder

# The largest value of an option of gRPC.
_INT32_MAX = 2**31 - 1


def create(
    settings: Settings,
    secrets: SecretFiles,
    observers: Sequence[Observer],
    *,
    shares_ports: bool,
) -> grpc.aio.Server:
    """Returns a server that has no handlers yet and is bound to no address."""
    interceptors = []
    if secrets.tokens:
        methods = methods_offered(openai=settings.openai)
        interceptors.append(Authentication(secrets.tokens.admit, methods, observers))
    options = channel_options(settings)
    # Only workers share ports; any other second server on a port must fail.
    options.append(("grpc.so_reuseport", int(shares_ports)))
    return grpc.aio.server(interceptors=interceptors, options=options)


def bind(
    server: grpc.aio.Server, address: Address, settings: Settings, secrets: SecretFiles
) -> str:
    """Binds the server to an address, with TLS on TCP if the secrets have a TLS identity.

    Returns:
        The address, with the port that the system chose if it was 0.

    Raises:
        OSError: The address is in use, or the server is not allowed to listen there.
    """
    try:
        port = _add_port(server, address, settings, secrets)
    except BlockingIOError:
        raise OSError(f"cannot listen on {address.text}: another server does") from None
    except OSError as error:
        raise OSError(f"cannot listen on {address.text}: {error.strerror}") from None
    except RuntimeError:
        # gRPC does not say which of the two.
        raise OSError(f"cannot listen on {address.text}: in use, or not allowed") from None
    return address.with_port(port)


def _add_port(
    server: grpc.aio.Server, address: Address, settings: Settings, secrets: SecretFiles
) -> int:
    if address.socket_path is not None:
        mode = int(settings.socket_mode, 8)
        make_folder(address.socket_path, mode)
        lock_socket(address.socket_path)
        with file_mode(mode):
            return server.add_insecure_port(address.text)
    if secrets.identity is None:
        return server.add_insecure_port(address.text)
    return server.add_secure_port(address.text, secrets.identity.credentials())


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """Returns gRPC's options for the server, except `grpc.so_reuseport`."""
    calls = settings.max_streams + bounds.CALLS_BESIDE_STREAMS
    waiting = bounds.CONNECTIONS_WITH_WAITING_CALLS * calls
    ping_interval_ms = round(bounds.MIN_PING_INTERVAL_SECONDS * 1000)
    options = [
        # Twice the limit, so that the server reads such a request and its error names the limit.
        ("grpc.max_receive_message_length", min(2 * settings.max_request_bytes, _INT32_MAX)),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_concurrent_streams", calls),
        ("grpc.server.max_pending_requests", waiting),
        ("grpc.server.max_pending_requests_hard_limit", 2 * waiting),
        ("grpc.server_handshake_timeout_ms", bounds.HANDSHAKE_SECONDS * 1000),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", bounds.MAX_UNREAD_STREAM_BYTES),
        ("grpc.http2.min_ping_interval_without_data_ms", ping_interval_ms),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", bounds.KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", bounds.KEEPALIVE_TIMEOUT_SECONDS * 1000),
    ]
    if settings.max_connection_age_seconds:
        age = settings.max_connection_age_seconds
        grace = settings.max_connection_age_grace_seconds
        options += [
            ("grpc.max_connection_age_ms", round(age * 1000)),
            ("grpc.max_connection_age_grace_ms", round(grace * 1000)),
        ]
    return options
