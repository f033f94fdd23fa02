"""Helm and Kubernetes accept the chart with each file of values."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tests.support.tools import go

from .chart import CHART, VALUES, Manifest, RenderError, render, run
from .helm import helm

# The oldest version that the chart supports, and the newest with installed schemas.
KUBERNETES = ("1.29", kubernetes_validate.latest_version())
_OPERATOR = "monitoring.coreos.com/v1"
_BUILD_SECONDS = 600


def validate(manifest: Manifest, version: str) -> None:
    """Fails if Kubernetes would refuse a manifest or warn about an unknown field."""
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("values", VALUES)
def test_helm_lint(values: str) -> None:
    """`helm lint` reports no errors or warnings."""
    linted = run([helm(), "lint", "--strict", "--values", CHART / values, CHART])
    assert linted.returncode == 0, linted.stdout
    assert "[WARNING]" not in linted.stdout


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", VALUES)
def test_manifests_fit_the_schemas_of_kubernetes(values: str, version: str) -> None:
    """Every field of the manifests is known to Kubernetes and has the right type."""
    manifests = render(values, kubernetes=version)
    own = [manifest for manifest in manifests if manifest["apiVersion"] != _OPERATOR]
    assert len(own) >= 2
    for manifest in own:
        validate(manifest, version)


def test_the_schemas_refuse_what_kubernetes_does_not_know() -> None:
    """The check notices an unknown nested field, even with the oldest version."""
    (deployment,) = [manifest for manifest in render() if manifest["kind"] == "Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenessProb"):
        validate(deployment, KUBERNETES[0])


@pytest.mark.long
def test_custom_resources_fit_the_types_of_the_operator(checker: Path) -> None:
    """Every field is known to the Prometheus operator and has the right type."""
    resources = custom_resources()
    assert {resource["kind"] for resource in resources} == {"ServiceMonitor", "PrometheusRule"}
    assert checked(checker, resources) == ""


@pytest.mark.long
def test_the_types_refuse_what_the_operator_does_not_know(checker: Path) -> None:
    """The check notices an unknown nested field."""
    resources = custom_resources()
    for resource in resources:
        if resource["kind"] == "ServiceMonitor":
            resource["spec"]["endpoints"][0]["intervall"] = "1s"
    assert "intervall" in checked(checker, resources)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (["settings.render_cache_mb=32"], "render_cache_mb"),
        (['settings.listen="0.0.0.0:1"'], "listen"),
        (['mode="daemonset"'], "mode"),
        (["port=70000"], "port"),
        (["settings.max_request_bytes=1023"], "max_request_bytes"),
        (["drainSeconds=31536001"], "drainSeconds"),
        (["tls.requireClientCertificate=true"], "secretName"),
        (['mode="library"', 'tls.secretName="tls"'], "secretName"),
        (["metrics.enabled=false", "serviceMonitor.enabled=true"], "metrics"),
    ],
)
def test_invalid_values_are_refused(settings: list[str], complaint: str) -> None:
    """A misspelt, out-of-bounds or contradictory value is an error, not a default."""
    with pytest.raises(RenderError, match=complaint):
        render("values.yaml", *settings)


def custom_resources() -> list[Manifest]:
    """Returns the chart's resources for the Prometheus operator."""
    manifests = render("values-production.yaml")
    return [manifest for manifest in manifests if manifest["apiVersion"] == _OPERATOR]


def checked(checker: Path, resources: list[Manifest]) -> str:
    """Returns the checker's errors about resources."""
    return subprocess.run(
        [checker], input=json.dumps(resources), capture_output=True, text=True, check=False
    ).stderr


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that reads resources with the operator's types."""
    program = tmp_path_factory.mktemp("custom_resources") / "check"
    source = Path(__file__).parent / "custom_resources"
    build = [go(), "build", "-p", "2", "-o", str(program), "."]
    subprocess.run(build, cwd=source, check=True, timeout=_BUILD_SECONDS)
    return program
