"""The manifests of the chart."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devtools.certificates import Authority
from devtools.server_process import harmony_command, running_server
from harmony_server.settings import Settings
from harmony_server.settings_sources import load
from tests.support.tools import ROOT

from .chart import (
    CHART,
    VALUES,
    Manifest,
    RenderError,
    containers,
    environment,
    one,
    pod,
    render,
    server,
)

UNIX_SOCKET = "unix:///run/harmony/harmony.sock"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as name:
        yield Path(name)


@pytest.mark.parametrize("values", VALUES)
def test_the_server_starts_with_its_environment_and_its_probes_succeed(
    values: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server starts with the container's environment, and each probe succeeds."""
    container = server(render(values))
    for name, value in environment(container).items():
        monkeypatch.setenv(name, on_this_machine(value, folder))
    make_secrets(folder)
    assert container["args"] == ["serve"]
    # No load balancer needs time to notice the stop.
    with running_server("--drain-seconds", "0") as (_, address):
        for kind in PROBES:
            probe = container[kind]
            if "grpc" in probe:
                assert probe["grpc"]["port"] in ports(container).values()
                service = probe["grpc"]["service"]
                command = ["harmony-server", "health", "--target", address, "--service", service]
            else:
                command = [on_this_machine(part, folder) for part in probe["exec"]["command"]]
            # The console script need not be on the PATH.
            command = harmony_command(*command[1:])
            probed = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (probed.returncode, probed.stdout) == (0, "SERVING\n"), probed.stderr


@pytest.mark.parametrize("values", VALUES)
def test_variables_are_settings_of_the_server(values: str, folder: Path) -> None:
    """Each variable of the chart sets a setting, and only those are set."""
    make_secrets(folder)
    variables = {
        name: on_this_machine(value, folder)
        for name, value in environment(server(render(values))).items()
    }
    _, sources = load({}, variables)
    assert set(sources.values()) == set(variables)


def test_every_setting_can_be_given() -> None:
    """The chart's schema has each server setting, except those that have their own value."""
    properties = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]
    shapes = [server(render(values, "settings=null")) for values in VALUES]
    own = {
        name.removeprefix("HARMONY_").lower()
        for container in shapes
        for name in environment(container)
    }
    # Not `workers`: the chart scales by pods. The tokens of metrics have a value of their own, too.
    assert set(properties["settings"]["properties"]) == set(Settings.model_fields) - own - {
        "workers",
        "metrics_token_file",
    }


def test_the_schema_has_the_bounds_of_the_settings() -> None:
    """The chart's schema has the same limits as the settings."""
    properties = yaml.safe_load((CHART / "values.schema.json").read_text())["properties"]
    given = properties["settings"]["properties"] | {
        "drain_seconds": properties["drainSeconds"],
        "grace_seconds": properties["graceSeconds"],
    }
    expected = Settings.model_json_schema()["properties"]
    for name, schema in given.items():
        for bound in ("minimum", "maximum", "pattern"):
            assert schema.get(bound) == expected[name].get(bound), name


def test_numbers_reach_the_server_as_they_were_written() -> None:
    """Large numbers are written without the exponent that Helm's floats would have."""
    settings = ("settings.max_request_bytes=16777216", "settings.reflection=false")
    variables = environment(server(render("values.yaml", *settings, "drainSeconds=0.5")))
    assert variables["HARMONY_MAX_REQUEST_BYTES"] == "16777216"
    assert variables["HARMONY_REFLECTION"] == "false"
    assert variables["HARMONY_DRAIN_SECONDS"] == "0.5"


@pytest.mark.parametrize(
    ("values", "kind"),
    [("values.yaml", "grpc"), ("values-production.yaml", "exec"), ("values-sidecar.yaml", "exec")],
)
def test_probes_fit_the_mode(values: str, kind: str) -> None:
    """Probes use gRPC on a plaintext port, and a command for a Unix socket or TLS."""
    container = server(render(values))
    for name in PROBES:
        assert kind in container[name]
        # One or two late probes must not restart the server.
        assert container[name].get("failureThreshold", 3) >= 3


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("drain", ["0", "12.5"])
def test_the_pod_lives_until_the_server_has_stopped(values: str, drain: str) -> None:
    """The pod's grace period covers the drain, the grace, and closing the remaining streams."""
    settings = (f"drainSeconds={drain}", "graceSeconds=20")
    spec = pod(render(values, *settings))
    assert spec["terminationGracePeriodSeconds"] > float(drain) + 20 + 1


@pytest.mark.parametrize("values", VALUES)
def test_nothing_runs_as_root(values: str) -> None:
    """No container runs as root, can become root, or can call Kubernetes."""
    manifests = render(values)
    spec = pod(manifests)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert one(manifests, "ServiceAccount")["automountServiceAccountToken"] is False
    for container in containers(spec):
        security = container["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
    own = server(manifests)["securityContext"]
    assert own["runAsUser"] == user_of_the_image()
    assert own["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("values", VALUES)
def test_the_environment_has_no_service_links(values: str) -> None:
    """Service links are off, because a service named harmony would set HARMONY_PORT."""
    assert pod(render(values))["enableServiceLinks"] is False


def test_plaintext_is_allowed_only_without_a_certificate() -> None:
    """Plaintext is allowed only without a certificate."""
    assert environment(server(render()))["HARMONY_ALLOW_PLAINTEXT"] == "true"
    assert "HARMONY_ALLOW_PLAINTEXT" not in environment(server(render("values-production.yaml")))


def test_the_network_policy_opens_the_ports_of_the_container() -> None:
    """The network policy opens exactly the container's ports, and no outgoing connections."""
    manifests = render("values-production.yaml")
    policy = one(manifests, "NetworkPolicy")["spec"]
    opened = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    assert sorted(opened) == sorted(ports(server(manifests)).values())
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy, "egress rules allow connections"
    assert all(rule["from"] for rule in policy["ingress"])


@pytest.mark.parametrize("values", VALUES)
def test_selectors_find_the_pods(values: str) -> None:
    """The selectors of all manifests match the labels of the pods."""
    manifests = render(values)
    template = one(manifests, "Deployment")["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    names = ports(*containers(template["spec"]))
    for manifest in manifests:
        spec = manifest.get("spec", {})
        match manifest["kind"]:
            case "Service":
                assert spec["selector"].items() <= labels
                assert {port["targetPort"] for port in spec["ports"]} <= set(names)
            case "Deployment" | "PodDisruptionBudget":
                assert spec["selector"]["matchLabels"].items() <= labels
            case "NetworkPolicy":
                assert spec["podSelector"]["matchLabels"].items() <= labels


def test_services_for_both_ways_to_balance() -> None:
    """One service has a cluster IP; the headless one lists only ready pods."""
    services = [manifest["spec"] for manifest in render() if manifest["kind"] == "Service"]
    assert [service.get("clusterIP") for service in services] == ["None", None]
    for service in services:
        assert not service.get("publishNotReadyAddresses")
        (port,) = [port for port in service["ports"] if port["name"] == "grpc"]
        assert port["appProtocol"] == "grpc"


def test_the_metrics_are_scraped_once() -> None:
    """Only one of the services that the monitor selects has the metrics port."""
    manifests = render("values-production.yaml")
    (endpoint,) = one(manifests, "ServiceMonitor")["spec"]["endpoints"]
    services = [manifest for manifest in manifests if manifest["kind"] == "Service"]
    named = [
        service
        for service in services
        for port in service["spec"]["ports"]
        if port["name"] == endpoint["port"]
    ]
    (service,) = named
    # The alerts use this name as the job.
    assert service["metadata"]["name"] == "test-harmony-sidecar"


def test_the_alerts_are_those_for_every_prometheus() -> None:
    """The chart's alerts are the general ones, with the release's job and namespace."""
    rendered = one(render("values-production.yaml"), "PrometheusRule")["spec"]
    text = ALERTS.read_text()
    chosen = 'job="test-harmony-sidecar", namespace="harmony"'
    assert rendered == yaml.safe_load(text.replace('job="harmony-sidecar"', chosen))
    selectors = re.findall(r"\w\{(.*?)\}", str(rendered))
    assert len(selectors) == text.count('job="harmony-sidecar"') > 0
    assert all(selector.startswith(chosen) for selector in selectors)


def test_autoscaling_excludes_fixed_replicas() -> None:
    """With autoscaling, the deployment sets no replicas, which an upgrade would reset."""
    assert one(render(), "Deployment")["spec"]["replicas"] == 2
    scaled = render("values-production.yaml")
    assert "replicas" not in one(scaled, "Deployment")["spec"]
    assert one(scaled, "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 3


def test_the_sidecar_starts_before_its_client_and_they_share_a_socket() -> None:
    """The server is a native sidecar, and shares a socket in memory with its client."""
    spec = pod(render("values-sidecar.yaml"))
    (sidecar,), (client,) = spec["initContainers"], spec["containers"]
    assert sidecar["restartPolicy"] == "Always"
    assert environment(sidecar)["HARMONY_LISTEN"] == UNIX_SOCKET
    assert environment(client)["HARMONY_TARGET"] == UNIX_SOCKET
    assert sidecar["volumeMounts"] == client["volumeMounts"]
    (volume,) = spec["volumes"]
    assert volume["emptyDir"]["medium"] == "Memory"
    assert spec["securityContext"]["fsGroup"] > 0


def test_another_chart_can_include_the_sidecar(tmp_path: Path) -> None:
    """The library example of the chart's README renders only the parent's deployment."""
    (example,) = readme_blocks("{{/* templates/deployment.yaml")
    (dependency,) = readme_blocks("# values.yaml")
    parent = tmp_path / "parent"
    shutil.copytree(CHART, parent / "charts" / "harmony-sidecar")
    (parent / "templates").mkdir()
    (parent / "Chart.yaml").write_text("apiVersion: v2\nname: parent\nversion: 0.1.0\n")
    (parent / "values.yaml").write_text(dependency)
    (parent / "templates" / "deployment.yaml").write_text(example)
    (deployment,) = render_parent(parent)
    spec = deployment["spec"]["template"]["spec"]
    (sidecar,), (client,) = spec["initContainers"], spec["containers"]
    assert sidecar["image"] == "registry.example/harmony-sidecar:0.1.0"
    assert sidecar["restartPolicy"] == "Always"
    assert environment(sidecar)["HARMONY_LISTEN"] == UNIX_SOCKET
    assert sidecar["volumeMounts"] == client["volumeMounts"]
    assert [volume["name"] for volume in spec["volumes"]] == ["harmony-socket"]


def render_parent(parent: Path) -> list[Manifest]:
    """Returns the manifests of a chart rendered with its own values."""
    (parent / "none.yaml").write_text("{}")
    return render(str(parent / "none.yaml"), chart=parent)


def readme_blocks(beginning: str) -> list[str]:
    """Returns the code blocks of the chart's README that begin with a text."""
    blocks = (CHART / "README.md").read_text().split("```")[1::2]
    texts = [block.partition("\n")[2] for block in blocks]
    return [text for text in texts if text.startswith(beginning)]


def ports(*of: Manifest) -> dict[str, int]:
    """Returns the ports of containers, by name."""
    return {
        port["name"]: port["containerPort"]
        for container in of
        for port in container.get("ports", ())
    }


def on_this_machine(text: str, folder: Path) -> str:
    """Returns a pod's address or path changed to one that a test can use."""
    for path in ("/run/harmony", "/etc/harmony"):
        text = text.replace(path, str(folder))
    parts = ["127.0.0.1:0" if part.startswith("0.0.0.0:") else part for part in text.split(",")]
    return ",".join(parts)


def make_secrets(folder: Path) -> None:
    """Writes the secrets that the production values refer to."""
    authority = Authority()
    identity = authority.issue()
    for name, data in {
        "tls/tls.crt": identity.certificate,
        "tls/tls.key": identity.key,
        "tls/ca.crt": authority.certificate,
        "auth/tokens": b"a-token-of-this-test-0123456789abcdef\n",
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def user_of_the_image() -> int:
    """Returns the user id in the Dockerfile."""
    lines = (CHART.parents[2] / "Dockerfile").read_text().splitlines()
    (user,) = [line.removeprefix("USER ") for line in lines if line.startswith("USER ")]
    return int(user.partition(":")[0])


@pytest.mark.parametrize("values", ["values.yaml", "values-sidecar.yaml"])
def test_metrics_are_off_unless_asked_for(values: str) -> None:
    """By default no port serves metrics."""
    container = server(render(values))
    assert "metrics" not in ports(container)
    assert "HARMONY_METRICS_LISTEN" not in environment(container)


def test_metrics_may_need_a_token() -> None:
    """The server gets the file of the secret, and the scraper the same secret."""
    manifests = render(
        "values-production.yaml", 'metrics.auth={"secretName":"scrape","key":"token"}'
    )
    container = server(manifests)
    assert (
        environment(container)["HARMONY_METRICS_TOKEN_FILE"] == "/etc/harmony/metrics-auth/tokens"
    )
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["harmony-metrics-auth"] == "/etc/harmony/metrics-auth"
    assert one(manifests, "ServiceMonitor")["spec"]["endpoints"][0]["authorization"] == {
        "credentials": {"name": "scrape", "key": "token"}
    }


def test_tokens_without_tls_must_be_asked_for() -> None:
    """On a port without TLS, tokens need auth.allowPlaintext."""
    tokens = 'auth.secretName="tokens"'
    with pytest.raises(RenderError):
        render("values.yaml", tokens)
    assert render("values.yaml", tokens, "auth.allowPlaintext=true")
    assert render("values.yaml", tokens, 'tls.secretName="tls"')
