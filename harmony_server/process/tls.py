"""The server's TLS identity, reloaded when its files change."""

from __future__ import annotations

import logging
import ssl

import grpc

from .watched_files import WatchedFiles, check_regular, read_regular

_logger = logging.getLogger(__name__)


class ServerIdentity:
    """A certificate, its key and, for mutual TLS, the authorities that sign client certificates.

    Args:
        certificate: PEM file with the certificate chain.
        key: PEM file with the certificate's private key, unencrypted.
        client_ca: PEM file with certificate authorities. Clients must then present a certificate
            signed by one of them. None: clients need no certificate.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file's content is invalid, or the key does not match the certificate.
    """

    def __init__(self, certificate: str, key: str, client_ca: str | None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._files = WatchedFiles([certificate, key, *([client_ca] if client_ca else [])])
        self._current = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Returns credentials for one address, which check for newer files at each handshake."""
        in_use = self._current

        def fetch_newer() -> grpc.ServerCertificateConfiguration | None:
            nonlocal in_use
            if self._files.changed():
                self.reload()
            # Not the result of `changed`: another address's handshake may have seen the change.
            if in_use is self._current:
                return None
            in_use = self._current
            return in_use

        return grpc.dynamic_ssl_server_credentials(
            in_use,
            fetch_newer,  # type: ignore[arg-type]  # None is allowed: no change
            # Without this, gRPC would accept clients without a certificate.
            require_client_authentication=self._client_ca is not None,
        )

    def reload(self) -> None:
        """Reads the files now; logs an error and keeps the old identity if one is unusable."""
        try:
            self._current = self._read()
        except (OSError, ValueError) as error:
            _logger.error("cannot reload the TLS certificate, keeping the old one: %s", error)
        else:
            _logger.info("reloaded the TLS certificate")

    def _read(self) -> grpc.ServerCertificateConfiguration:
        _check(self._certificate, self._key, self._client_ca)
        pair = (read_regular(self._key), read_regular(self._certificate))
        authorities = read_regular(self._client_ca) if self._client_ca else None
        return grpc.ssl_server_certificate_configuration([pair], authorities)


def _check(certificate: str, key: str, client_ca: str | None) -> None:
    """Raises ValueError for files that gRPC would accept, only to fail every handshake."""
    for path in filter(None, (certificate, key, client_ca)):
        check_regular(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Otherwise an encrypted key would prompt for its password at the terminal.
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
