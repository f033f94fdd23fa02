"""The Helm chart, rendered."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from tests.support.tools import ROOT

from .helm import helm

CHART = ROOT / "deploy" / "helm" / "harmony-sidecar"
# One file for each way to deploy the chart.
VALUES = tuple(sorted(path.name for path in CHART.glob("values*.yaml")))

Manifest = Mapping[str, Any]


class RenderError(Exception):
    """Helm refused to render."""


def render(
    values: str = "values.yaml", *settings: str, chart: Path = CHART, kubernetes: str = "1.29"
) -> list[Manifest]:
    """Returns the manifests of the chart.

    Args:
        values: A file of values in the chart.
        settings: Single values, `path=JSON`.
        chart: The chart.
        kubernetes: The Kubernetes version to render for.
    """
    command: list[str | Path] = [helm(), "template", "test", chart, "--namespace", "harmony"]
    command += ["--kube-version", kubernetes, "--values", CHART / values]
    for setting in settings:
        command += ["--set-json", setting]
    rendered = run(command)
    if rendered.returncode:
        raise RenderError(rendered.stderr)
    return [manifest for manifest in yaml.safe_load_all(rendered.stdout) if manifest]


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Runs a command and waits for it to exit."""
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def one(manifests: Sequence[Manifest], kind: str) -> Manifest:
    """Returns the only manifest of a kind."""
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod(manifests: Sequence[Manifest]) -> Manifest:
    """Returns the pod's spec."""
    return cast("Manifest", one(manifests, "Deployment")["spec"]["template"]["spec"])


def containers(spec: Manifest) -> list[Manifest]:
    """Returns the containers of a pod, sidecars included."""
    return [*spec.get("initContainers", ()), *spec["containers"]]


def server(manifests: Sequence[Manifest]) -> Manifest:
    """Returns the container of the server."""
    (found,) = [part for part in containers(pod(manifests)) if part["name"] == "harmony"]
    return found


def environment(container: Manifest) -> dict[str, str]:
    """Returns the environment of a container."""
    return {variable["name"]: variable["value"] for variable in container["env"]}
