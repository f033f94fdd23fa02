"""Helm, built from its Go module."""

import os
import subprocess
from pathlib import Path

from tests.support.tools import ROOT, go

_VERSION = "v4.3.1"
_HELM = ROOT / "build" / "tools" / f"helm-{_VERSION}" / "helm"
# The first build takes 170 s on two cores.
_BUILD_SECONDS = 1200


def helm() -> Path:
    """Returns the path of Helm, built on first use."""
    if not _HELM.exists():
        build = [go(), "install", "-p", "2", f"helm.sh/helm/v4/cmd/helm@{_VERSION}"]
        environment = {**os.environ, "GOBIN": str(_HELM.parent)}
        subprocess.run(build, env=environment, check=True, timeout=_BUILD_SECONDS)
    return _HELM
