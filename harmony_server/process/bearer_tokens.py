"""Bearer tokens from a file, which can be replaced while the server runs."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re

from .watched_files import WatchedFiles, read_regular

# RFC 6750 allows fewer; no shorter set would catch more slips.
_TOKEN = re.compile(rb"[!-~]+")
# Longer than a program takes to write the file, in case it does not replace it at once.
_SETTLE_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class BearerTokens:
    """The tokens in a file, one per line. Reloads the file a second after its last change.

    Empty lines, and lines that begin with `#`, are no tokens.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a regular file, has no token, or has a line that cannot be one.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = WatchedFiles([path], _SETTLE_SECONDS)
        self._digests = self._read()

    def admit(self, authorization: str | bytes) -> bool:
        """Returns whether the metadata value `authorization` is `Bearer` and a token in the file.

        Takes the same time for every token. Reloads the file first if it has changed.
        """
        if self._file.changed():
            self.reload()
        text = authorization if isinstance(authorization, bytes) else authorization.encode()
        scheme, _, token = text.partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        # Comparing with all of them keeps the time from showing which one matched.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return scheme.lower() == b"bearer" and any(matches)

    def reload(self) -> None:
        """Reads the file now; logs an error and keeps the old tokens if it is unusable."""
        self._file.mark_seen()
        try:
            self._digests = self._read()
        except (OSError, ValueError) as error:
            _logger.error("cannot reload the tokens, keeping the old ones: %s", error)
        else:
            _logger.info("reloaded the tokens: %d in the file", len(self._digests))

    def _read(self) -> list[bytes]:
        digests = []
        for number, line in enumerate(read_regular(self._path).splitlines(), 1):
            token = line.strip()
            if not token or token.startswith(b"#"):
                continue
            if _TOKEN.fullmatch(token) is None:
                raise ValueError(f"{self._path}: line {number}: not a token")
            digests.append(hashlib.sha256(token).digest())
        if not digests:
            raise ValueError(f"{self._path}: has no token")
        return digests
