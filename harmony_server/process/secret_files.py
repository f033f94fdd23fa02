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
        metrics_tokens: The bearer tokens of the metrics; None: no authentication.
    """

    identity: ServerIdentity | None
    tokens: BearerTokens | None
    metrics_tokens: BearerTokens | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Reads the files.

        Raises:
            OSError: A file cannot be read.
            ValueError: A file's content is invalid.
        """
        identity = tokens = metrics_tokens = None
        if settings.tls_certificate is not None and settings.tls_key is not None:
            identity = ServerIdentity(
                settings.tls_certificate, settings.tls_key, settings.tls_client_ca
            )
        if settings.auth_token_file is not None:
            tokens = BearerTokens(settings.auth_token_file)
        if settings.metrics_token_file is not None:
            metrics_tokens = BearerTokens(settings.metrics_token_file)
        return cls(identity, tokens, metrics_tokens)

    def reload(self) -> None:
        """Reads the files again; logs an error and keeps the old secret where one is unusable."""
        for secret in self:
            if secret is not None:
                secret.reload()
