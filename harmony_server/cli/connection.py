"""A server to work through, and how to connect to it."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True, slots=True)
class Tls:
    """How to connect with TLS.

    Attributes:
        authorities: PEM file of the authorities to trust; None: the system's.
        certificate: PEM file of the client's certificate chain; None: no client certificate.
        key: PEM file of its private key.
        server_name: The name that the server's certificate must have; None: the address's host.
    """

    authorities: str | None
    certificate: str | None
    key: str | None
    server_name: str | None

    def credentials(self) -> "grpc.ChannelCredentials":
        """Reads the files.

        Raises:
            InputError: A file cannot be used.
        """
        import grpc

        authorities = _read_authorities(self.authorities)
        if self.certificate is None or self.key is None:
            return grpc.ssl_channel_credentials(authorities)
        certificate, key = _read(self.certificate), _read(self.key)
        _check_pair(self.certificate, self.key)
        return grpc.ssl_channel_credentials(authorities, key, certificate)


@dataclass(frozen=True, slots=True)
class Server:
    """A server.

    Attributes:
        address: `host:port` or `unix:///path`.
        tls: None: the connection is not encrypted.
        token_file: The file whose first line is the bearer token; None: no token.
    """

    address: str
    tls: Tls | None = None
    token_file: str | None = None

    def credentials(self) -> "grpc.ChannelCredentials | None":
        """Returns the credentials for TLS, or None without TLS.

        Raises:
            InputError: A file cannot be used.
        """
        return self.tls.credentials() if self.tls else None

    def channel_options(self) -> list[tuple[str, str | int]]:
        """Returns the gRPC channel options."""
        if self.tls is None or self.tls.server_name is None:
            return []
        return [("grpc.ssl_target_name_override", self.tls.server_name)]

    def metadata(self) -> list[tuple[str, str]]:
        """Returns the metadata of every call.

        Raises:
            InputError: The file of the token cannot be used.
        """
        if self.token_file is None:
            return []
        return [("authorization", f"Bearer {_read_token(self.token_file)}")]


def silence_grpc() -> None:
    """Keeps gRPC's own log off standard error. Takes effect only before grpc is imported."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(error.strerror or str(error), source=path) from None


def _read_token(path: str) -> str:
    lines = _read(path).strip().splitlines()
    token = lines[0].strip().decode("latin-1") if lines else ""
    # Other characters cannot be sent.
    if not token or not (token.isascii() and token.isprintable()):
        raise InputError("the first line is not a bearer token", source=path)
    return token


def _read_authorities(path: str | None) -> bytes:
    """Returns the authorities in a file, or the system's, which gRPC would not look for."""
    if path is not None:
        authorities = _read(path)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            raise InputError("not a PEM file of certificates", source=path) from None
        return authorities
    system = ssl.get_default_verify_paths()
    if system.cafile:
        return _read(system.cafile)
    files = sorted(Path(system.capath).glob("*.[0-9]")) if system.capath else []
    if not files:
        raise InputError("needed: this system has no certificate authorities", source="--tls-ca")
    return b"\n".join(_read(str(file)) for file in files)


def _check_pair(certificate: str, key: str) -> None:
    """Refuses files with which gRPC would fail every handshake without saying why."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        # An encrypted key would ask for its password at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: _refuse_encrypted(key))
    except ssl.SSLError:
        raise InputError(
            "not a certificate and its private key", source=f"{certificate}, {key}"
        ) from None


def _refuse_encrypted(key: str) -> str:
    raise InputError("the private key is encrypted", source=key)
