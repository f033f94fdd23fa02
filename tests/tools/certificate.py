"""A self-signed certificate for 127.0.0.1 and localhost."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.tools import tool

_REQUEST = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
)
_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@dataclass
class Certificate:
    """Two PEM files.

    Attributes:
        chain: The self-signed certificate.
        key: Its private key.
    """

    chain: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Writes a new certificate into a folder."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = [tool("openssl"), *_REQUEST.split(), "-addext", _NAMES]
    command += ["-keyout", str(made.key), "-out", str(made.chain)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made
