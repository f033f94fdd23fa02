"""The container image, built from the Dockerfile and run as docs/container.md says."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.certificates import Authority
from harmony_server.version import __version__

from .containers import Container, Ids, Image, Options, running
from .pins import normalized, pins

pytestmark = [pytest.mark.image, pytest.mark.long]

_USER = 65532
_FOLDER = "/run/harmony"
_SOCKET = f"unix://{_FOLDER}/harmony.sock"
_PORT = "127.0.0.1:50051"
_HELLO = "13225\n"
# Build tools, which the image must not have.
_TOOLS = {"build", "hatchling", "pip", "pytest", "setuptools", "wheel"}
_WRITING = (
    "for folder in / /tmp /etc/harmony /opt/harmony /run;"
    " do touch $folder/x 2>&1 && echo $folder; done"
)


@pytest.fixture(scope="module")
def volume(image: Image) -> Path:
    """A new volume for sockets."""
    return image.new_volume(_FOLDER)


@pytest.fixture(scope="module")
def server(image: Image, volume: Path) -> Iterator[Container]:
    """Yields a container without any configuration: `docker run harmony-sidecar`."""
    with running(image, options=Options(volumes={_FOLDER: volume})) as container:
        assert container.addresses(2) == [_SOCKET, _PORT]
        yield container


def _encode(image: Image, target: str, options: Options) -> tuple[int, str, str]:
    """Runs `encode` against a server from another container."""
    with running(image, ["encode", "Hello", "--target", target], options) as client:
        return client.finish()


# Contents


def test_labels(image: Image) -> None:
    """The labels have the image's title, licence, version, revision and base."""
    prefix = "org.opencontainers.image."
    labels = image.config["Labels"].items()
    assert {
        name.removeprefix(prefix): value for name, value in labels if name.startswith(prefix)
    } == {
        "title": "harmony-sidecar",
        "description": "gRPC sidecar that renders and parses the harmony format of OpenAI's "
        "gpt-oss models",
        "licenses": "Apache-2.0",
        "version": "1.2.3",
        "revision": "0123abc",
        "base.name": "localhost/python-base",
    }


def test_everything_in_it_is_pinned(image: Image) -> None:
    """All packages of the image, OpenTelemetry included, have the versions of constraints.txt."""
    installed = image.root.glob("opt/harmony/lib/python3*/site-packages/*.dist-info")
    names = (folder.name.removesuffix(".dist-info").split("-", 1) for folder in installed)
    packages = {normalized(name): version for name, version in names}
    assert packages.pop("harmony-sidecar") == __version__
    assert packages.items() <= pins().items()
    assert {"opentelemetry-distro", "opentelemetry-exporter-otlp"} <= packages.keys()
    assert not _TOOLS & packages.keys()


# Privileges


def test_it_has_no_privileges(server: Container) -> None:
    """The container runs as an unprivileged user without capabilities."""
    status = dict(
        line.split(":\t") for line in server.exec("cat", "/proc/1/status").stdout.splitlines()
    )
    assert set(status["Uid"].split() + status["Gid"].split()) == {str(_USER)}
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_it_writes_only_sockets(server: Container, volume: Path) -> None:
    """The container serves with a read-only root, and writes only its socket and a lock."""
    written = server.exec("sh", "-c", _WRITING).stdout
    assert written.count("Read-only file system") == 5
    assert {path.name for path in volume.iterdir()} == {"harmony.sock", "harmony.sock.lock"}


def test_it_needs_no_network(server: Container) -> None:
    """The container serves without any network but loopback."""
    interfaces = server.exec("cat", "/proc/net/dev").stdout.splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]


# Access


@pytest.mark.usefixtures("server")
def test_the_socket_is_for_its_group(image: Image, volume: Path) -> None:
    """The socket admits clients of the server's group, and no others."""
    volumes = {_FOLDER: volume}
    friend = _encode(image, _SOCKET, Options(ids=(1000, _USER), volumes=volumes))
    assert friend == (0, _HELLO, "")
    status, _, errors = _encode(image, _SOCKET, Options(ids=(1000, 1000), volumes=volumes))
    assert status != 0
    assert "Permission denied" in errors


def test_loopback_is_for_the_pod(image: Image, server: Container) -> None:
    """A client that shares the server's network can use loopback."""
    assert _encode(image, _PORT, Options(network_of=server)) == (0, _HELLO, "")


def test_plaintext_on_a_port_must_be_asked_for(image: Image) -> None:
    """A public port requires TLS unless HARMONY_ALLOW_PLAINTEXT is set."""
    listen = {"HARMONY_LISTEN": "0.0.0.0:50051"}
    with running(image, options=Options(environment=listen)) as refused:
        status, _, errors = refused.finish()
    assert (status, errors.count("\n")) == (2, 1)
    assert "allow_plaintext" in errors
    allowed = Options(environment={**listen, "HARMONY_ALLOW_PLAINTEXT": "true"})
    with running(image, options=allowed) as container:
        assert container.addresses(1) == ["0.0.0.0:50051"]


def test_a_port_with_tls(image: Image, tmp_path: Path) -> None:
    """With a certificate, the port has TLS, and the health check uses the socket."""
    authority = Authority()
    secrets = tmp_path / "tls"
    secrets.mkdir()
    authority.issue().write(secrets, "tls")
    (secrets / "ca.pem").write_bytes(authority.certificate)
    for path in secrets.iterdir():
        path.chmod(0o440)
        os.chown(path, 0, _USER)
    environment = {
        "HARMONY_LISTEN": f"{_SOCKET},0.0.0.0:50051",
        "HARMONY_TLS_CERTIFICATE": "/etc/harmony/tls/tls.pem",
        "HARMONY_TLS_KEY": "/etc/harmony/tls/tls.key",
    }
    volumes = {_FOLDER: image.new_volume(_FOLDER), "/etc/harmony/tls": secrets}
    options = Options(environment=environment, volumes=volumes)
    with running(image, options=options) as container:
        assert container.addresses(2) == [_SOCKET, "0.0.0.0:50051"]
        assert container.exec(*_health_check(image)).returncode == 0
        arguments = ["health", "--target", "localhost:50051", "--tls-ca", "/etc/harmony/tls/ca.pem"]
        client = Options(network_of=container, volumes={"/etc/harmony/tls": secrets})
        with running(image, arguments, client) as outside:
            assert outside.finish() == (0, "SERVING\n", "")


# Operation


def test_the_health_check(image: Image, server: Container) -> None:
    """The health check succeeds for a running server, and fails without one."""
    healthy = server.exec(*_health_check(image))
    assert (healthy.returncode, healthy.stdout) == (0, "SERVING\n")
    with running(image, ["health"]) as alone:
        assert alone.finish()[0] == 1


def _health_check(image: Image) -> list[str]:
    kind, *command = map(str, image.config["Healthcheck"]["Test"])
    assert kind == "CMD"
    return command


def test_sigterm(image: Image) -> None:
    """On SIGTERM, the container exits with 0, well before Docker would kill it."""
    with running(image, options=Options(volumes={_FOLDER: image.new_volume(_FOLDER)})) as container:
        container.addresses(2)
        began = time.monotonic()
        assert container.stop() == 0
        assert time.monotonic() - began < 5


def test_a_killed_server_leaves_the_volume_usable(image: Image) -> None:
    """A server refuses a socket in use, but takes over one left by a killed server."""
    options = Options(volumes={_FOLDER: image.new_volume(_FOLDER)})
    with running(image, options=options) as first:
        first.addresses(2)
        with running(image, options=options) as second:
            status, _, errors = second.finish()
        assert status == 1
        assert "another server does" in errors
        first.kill()
    with running(image, options=options) as third:
        assert third.addresses(2) == [_SOCKET, _PORT]


@pytest.mark.parametrize("ids", [(1000650000, 0), (1000, 1000)])
def test_any_user_works(image: Image, ids: Ids) -> None:
    """The container serves as any user that may write to the volume."""
    volume = image.new_volume(_FOLDER)
    volume.chmod(0o777)
    options = Options(ids=ids, volumes={_FOLDER: volume})
    with running(image, options=options) as container:
        container.addresses(2)
        assert container.exec(*_health_check(image)).returncode == 0


def test_the_settings_of_the_image_can_be_overridden(image: Image, tmp_path: Path) -> None:
    """Flags, variables and a configuration file all override the image's settings."""
    with running(image, ["config"]) as container:
        assert f'listen = ["{_SOCKET}", "{_PORT}"]' in container.finish()[1]
    chosen = 'listen = ["127.0.0.1:1"]'
    with running(image, ["config", "--listen", "127.0.0.1:1"]) as container:
        assert chosen in container.finish()[1]
    variables = Options(environment={"HARMONY_LISTEN": "127.0.0.1:1"})
    with running(image, ["config"], variables) as container:
        assert chosen in container.finish()[1]
    (tmp_path / "harmony.toml").write_text(f"{chosen}\n")
    tmp_path.chmod(0o755)
    with running(image, ["config"], Options(volumes={"/etc/harmony": tmp_path})) as container:
        assert chosen in container.finish()[1]
