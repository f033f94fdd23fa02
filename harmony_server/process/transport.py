"""The gRPC server and its sockets, as the settings want them."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from ..addresses import Address
from ..rpc.authentication import Authentication
from ..settings import Settings
from ..telemetry.rpcs import Observer
from .secret_files import SecretFiles
from .unix_sockets import file_mode, lock_socket, make_folder

# A peer that is gone without a word is noticed after about a minute; gRPC's default is two hours.
_KEEPALIVE_SECONDS = 60
_KEEPALIVE_TIMEOUT_SECONDS = 20
# Who connects must have shaken hands by then; gRPC's default of two minutes lets silent strangers
# hold the places of others for long.
_HANDSHAKE_SECONDS = 20
# What a stream may bring before it is read, more than an engine's step has. gRPC's own window grows
# with the connection's speed, on loopback to hundreds of MiB for each stream.
_UNREAD_STREAM_BYTES = 256 * 1024
# What a connection may have open beside all the streams there may be; a client waits for more. With
# it nobody who opens calls, or opens and cancels them, holds up the others for long.
_CALLS_BESIDE_STREAMS = 256
# More requests than this, that wait to be begun, gRPC drops at random, whosesoever they are: more
# than a few connections can bring.
_WAITING_CALLS_OF_CONNECTIONS = 4
# Clients may ping this often; gRPC's default of five minutes drops clients that keep alive.
_MIN_PING_INTERVAL_SECONDS = 10.0


def create(
    settings: Settings,
    secrets: SecretFiles,
    observers: Sequence[Observer],
    *,
    shares_ports: bool,
) -> grpc.aio.Server:
    """Returns a server without handlers and sockets."""
    interceptors = [Authentication(secrets.tokens.admit, observers)] if secrets.tokens else []
    options = channel_options(settings)
    # Without workers, a second server on the same port is an error, not a silent sharer.
    options.append(("grpc.so_reuseport", int(shares_ports)))
    return grpc.aio.server(interceptors=interceptors, options=options)


def bind(
    server: grpc.aio.Server, address: Address, settings: Settings, secrets: SecretFiles
) -> str:
    """Binds an address and returns it with the port that was chosen.

    Raises:
        OSError: It is in use, or not allowed.
    """
    try:
        port = _add_port(server, address, settings, secrets)
    except BlockingIOError:
        raise OSError(f"cannot listen on {address.text}: another server does") from None
    except OSError as error:
        raise OSError(f"cannot listen on {address.text}: {error.strerror}") from None
    except RuntimeError:
        # gRPC does not say which.
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
    """Returns the options of a server's channel, without the one that shares ports."""
    calls = settings.max_streams + _CALLS_BESIDE_STREAMS
    waiting = _WAITING_CALLS_OF_CONNECTIONS * calls
    options = [
        # Up to twice the limit a request is read, so that its error can name the limit.
        ("grpc.max_receive_message_length", 2 * settings.max_request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_concurrent_streams", calls),
        ("grpc.server.max_pending_requests", waiting),
        ("grpc.server.max_pending_requests_hard_limit", 2 * waiting),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1000),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _UNREAD_STREAM_BYTES),
        ("grpc.http2.min_ping_interval_without_data_ms", round(_MIN_PING_INTERVAL_SECONDS * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", _KEEPALIVE_SECONDS * 1000),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_SECONDS * 1000),
    ]
    if settings.max_connection_age_seconds:
        age = settings.max_connection_age_seconds
        grace = settings.max_connection_age_grace_seconds
        options += [
            ("grpc.max_connection_age_ms", round(age * 1000)),
            ("grpc.max_connection_age_grace_ms", round(grace * 1000)),
        ]
    return options
