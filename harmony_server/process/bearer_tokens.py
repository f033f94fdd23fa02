"""Bearer tokens of a file that an operator can replace while the server runs."""

from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path

from .watched_files import WatchedFiles

_logger = logging.getLogger(__name__)


class BearerTokens:
    """The tokens of a file, one per line; the file is read again when it changes.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no token.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = WatchedFiles([path])
        self._digests = self._read()

    def admit(self, authorization: str | bytes) -> bool:
        """Says whether the value of the metadata key `authorization` carries a token of the file.

        Takes the same time for every token.
        """
        if self._file.changed():
            self.reload()
        text = authorization if isinstance(authorization, bytes) else authorization.encode()
        scheme, _, token = text.partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        # Compare all of them, so that the time does not show which one matched.
        found = [hmac.compare_digest(digest, known) for known in self._digests]
        return scheme.lower() == b"bearer" and any(found)

    def reload(self) -> None:
        """Reads the file now; an unusable file changes nothing and is logged."""
        try:
            self._digests = self._read()
        except (OSError, ValueError) as error:
            _logger.error("kept the previous tokens: %s", error)
        else:
            _logger.info("%d tokens were read again", len(self._digests))

    def _read(self) -> list[bytes]:
        tokens = filter(None, map(bytes.strip, Path(self._path).read_bytes().splitlines()))
        digests = [hashlib.sha256(token).digest() for token in tokens]
        if not digests:
            raise ValueError(f"{self._path}: holds no token")
        return digests
