"""The secrets that the server reads from files: its TLS identity and the bearer tokens."""

from typing import NamedTuple, Self

from ..settings import Settings
from .bearer_tokens import BearerTokens
from .tls import ServerIdentity


class SecretFiles(NamedTuple):
    """The secrets that the settings name.

    Attributes:
        identity: The TLS identity; None: no TLS.
        tokens: The bearer tokens; None: no authentication.
    """

    identity: ServerIdentity | None
    tokens: BearerTokens | None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Reads the files.

        Raises:
            OSError: A file cannot be read.
            ValueError: A file's content is invalid.
        """
        identity = tokens = None
        if settings.tls_certificate is not None and settings.tls_key is not None:
            identity = ServerIdentity(
                settings.tls_certificate, settings.tls_key, settings.tls_client_ca
            )
        if settings.auth_token_file is not None:
            tokens = BearerTokens(settings.auth_token_file)
        return cls(identity, tokens)

    def reload(self) -> None:
        """Reads the files again; logs an error and keeps the old secret where one is unusable."""
        for secret in self:
            if secret is not None:
                secret.reload()
