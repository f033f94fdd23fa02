"""Command-line tools of gRPC, built from their Go modules."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.tools import ROOT, go

# grpcurl takes 90 s on two cores.
_BUILD_SECONDS = 900
_RUN_SECONDS = 60


class GoTool:
    """A program built from a Go module.

    Attributes:
        source: The argument of `go install`.
    """

    def __init__(self, module: str, version: str) -> None:
        self.source = f"{module}@{version}"
        name = module.rpartition("/")[2]
        self._program = ROOT / "build" / "tools" / f"{name}-{version}" / name

    def built(self) -> Path:
        """Returns the path of the program, built on first use."""
        if not self._program.exists():
            build = [go(), "install", "-p", "2", self.source]
            environment = {**os.environ, "GOBIN": str(self._program.parent), "CGO_ENABLED": "0"}
            subprocess.run(build, env=environment, check=True, timeout=_BUILD_SECONDS)
        return self._program

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs the program and waits for it to exit."""
        return subprocess.run(
            [str(self.built()), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )


GRPCURL = GoTool("github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.4")
HEALTH_PROBE = GoTool("github.com/grpc-ecosystem/grpc-health-probe", "v0.4.61")
