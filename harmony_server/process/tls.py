"""The server's TLS identity, read again from disk when it changes."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import grpc

from .watched_files import WatchedFiles

_logger = logging.getLogger(__name__)


class ServerIdentity:
    """A certificate, its key and, for mutual TLS, the authorities of the clients.

    Args:
        certificate: PEM file of the chain.
        key: PEM file of the private key.
        client_ca: PEM file; with it a client must present a certificate that these sign.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is not what it should be, or the key is another certificate's.
    """

    def __init__(self, certificate: str, key: str, client_ca: str | None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._files = WatchedFiles([certificate, key, *([client_ca] if client_ca else [])])
        self._current = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Returns credentials, for one address, that look for newer files before each handshake."""
        given = self._current

        def newer() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            if self._files.changed():
                self.reload()
            # What another address was given is news to this one.
            if given is self._current:
                return None
            given = self._current
            return given

        return grpc.dynamic_ssl_server_credentials(
            given,
            newer,  # type: ignore[arg-type]  # None is allowed: no change
            # A client CA alone would only make a certificate possible.
            require_client_authentication=self._client_ca is not None,
        )

    def reload(self) -> None:
        """Reads the files now, for the handshakes to come; what cannot be used changes nothing."""
        try:
            self._current = self._read()
        except (OSError, ValueError) as error:
            _logger.error("the TLS certificate stays as it was: %s", error)
        else:
            _logger.info("the TLS certificate was read again")

    def _read(self) -> grpc.ServerCertificateConfiguration:
        _check(self._certificate, self._key, self._client_ca)
        pair = (Path(self._key).read_bytes(), Path(self._certificate).read_bytes())
        authorities = Path(self._client_ca).read_bytes() if self._client_ca else None
        return grpc.ssl_server_certificate_configuration([pair], authorities)


def _check(certificate: str, key: str, client_ca: str | None) -> None:
    """Raises ValueError for files that gRPC would take and then fail every handshake with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An encrypted key would ask at the terminal for its password.
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError:
        raise ValueError(f"{certificate}, {key}: not a certificate and its key") from None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError:
            raise ValueError(f"{client_ca}: not a certificate") from None


def _no_password() -> str:
    raise ValueError("the TLS key is encrypted")
