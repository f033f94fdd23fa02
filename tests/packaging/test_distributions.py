"""The wheel and the sdist: their files, and whether each can be installed and run."""

import contextlib
import json
import os
import signal
import subprocess
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harmony_server.version import __version__

from .pins import CONSTRAINTS, normalized, pins

pytestmark = pytest.mark.runtimes

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("harmony_client", "harmony_server")
# Environments are made from the package index.
_INSTALL_SECONDS = 600
_SECONDS = 60

# Renders through a server, and prints the path of the client.
_CLIENT = """
import sys, harmony_client
with harmony_client.Client(sys.argv[1]) as client:
    print(client.render(harmony_client.user("Hello")), harmony_client.__file__)
"""


class Distributions(NamedTuple):
    """The files to install the project from."""

    wheel: Path
    sdist: Path


class Environment:
    """A virtual environment with only pip."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.folder = folder

    def install(self, *requirements: str | Path, constraints: bool = True) -> None:
        """Installs packages, by default at the versions of constraints.txt."""
        options = [f"--constraint={CONSTRAINTS}"] if constraints else []
        self.run("python", "-m", "pip", "install", "--quiet", *options, *requirements)

    def run(self, program: str, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Runs a program of the environment outside the tree; returns its output."""
        done = subprocess.run(
            [self.folder / "bin" / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            cwd=cwd or self.folder,
            env=_environment(),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextlib.contextmanager
    def server(self) -> Iterator[str]:
        """Runs the environment's server and yields its address; it must exit with 0."""
        program = self.folder / "bin" / "harmony-server"
        command = [str(program), "serve", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(
            command, cwd=self.folder, env=_environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline().strip()
                assert line.startswith("listening on ")
                yield line.removeprefix("listening on ")
            finally:
                process.send_signal(signal.SIGTERM)
                status = process.wait(_SECONDS)
        assert status == 0


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the pinned build system."""
    environment = Environment(tmp_path_factory.mktemp("builder"))
    environment.install("hatchling")
    return environment


@pytest.fixture(scope="module")
def built(builder: Environment, tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The wheel and the sdist, built from the tree."""
    return _build(builder, _ROOT, tmp_path_factory.mktemp("dist"))


def test_the_build_system_is_pinned(builder: Environment) -> None:
    """Hatchling and everything that it needs have the versions of constraints.txt."""
    listed = builder.run("python", "-m", "pip", "list", "--format", "json")
    versions = {normalized(each["name"]): each["version"] for each in json.loads(listed)}
    for name in ("pip", "setuptools"):
        versions.pop(name, None)
    assert "hatchling" in versions
    assert versions.items() <= pins().items()


def _build(builder: Environment, source: Path, folder: Path) -> Distributions:
    arguments = ("build", "--target", "sdist", "--target", "wheel", "--directory", folder)
    builder.run("python", "-m", "hatchling", *arguments, cwd=source)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Distributions(wheel, sdist)


def _requirements(*, oldest: bool) -> list[str]:
    """Returns the server's direct requirements at their oldest versions, or nothing."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *extras["core"], *extras["server"]]
    needs.remove("harmony-sidecar[core]")
    return [need.split(",")[0].replace(">=", "==") for need in needs] if oldest else []


# Their files


def test_the_wheel_has_only_the_packages(built: Distributions) -> None:
    """The wheel has only the two packages, the licence and metadata."""
    expected = {
        path.relative_to(_ROOT).as_posix()
        for package in _PACKAGES
        for path in (_ROOT / package).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    metadata = f"harmony_sidecar-{__version__}.dist-info"
    assert names - expected == {
        f"{metadata}/{name}"
        for name in (
            "METADATA",
            "RECORD",
            "WHEEL",
            "entry_points.txt",
            "licenses/LICENSE",
            "licenses/NOTICE",
        )
    }
    assert expected <= names
    assert {
        "harmony_client/py.typed",
        "harmony_server/py.typed",
        "harmony_server/core/data/o200k_base.zlib",
    } <= names
    assert not [name for name in names if "test" in name]


def test_the_metadata_of_the_wheel(built: Distributions) -> None:
    """The wheel's metadata has name, version, licence and Python, and it fits every platform."""
    assert built.wheel.name == f"harmony_sidecar-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(built.wheel) as archive:
        metadata = archive.read(f"harmony_sidecar-{__version__}.dist-info/METADATA").decode()
    for line in (
        "Name: harmony-sidecar",
        f"Version: {__version__}",
        "License-Expression: Apache-2.0",
        "License-File: LICENSE",
        "License-File: NOTICE",
        "Requires-Python: >=3.11",
        "Provides-Extra: core",
        "Provides-Extra: server",
        "Provides-Extra: otel",
    ):
        assert f"{line}\n" in metadata


def test_the_files_of_the_sdist(built: Distributions) -> None:
    """The sdist has only the packages, the contract, the documents and metadata."""
    with tarfile.open(built.sdist) as archive:
        paths = [Path(name) for name in archive.getnames()]
    assert {path.parts[0] for path in paths} == {f"harmony_sidecar-{__version__}"}
    assert {path.parts[1] for path in paths} == {
        *_PACKAGES,
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "NOTICE",
        "PKG-INFO",
        "README.md",
        "docs",
        "protos",
        "pyproject.toml",
    }
    assert not [path for path in paths if "__pycache__" in path.parts]


def test_the_sdist_builds_the_same_wheel(
    builder: Environment, built: Distributions, tmp_path: Path
) -> None:
    """The sdist builds a wheel identical to the tree's, byte for byte."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.iterdir()
    again = _build(builder, source, tmp_path / "dist")
    assert again.wheel.read_bytes() == built.wheel.read_bytes()


# Installation


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "oldest"),
    [("wheel", False), ("sdist", False), ("wheel", True)],
    ids=["wheel", "sdist", "oldest"],
)
def test_an_installation_serves(
    built: Distributions, tmp_path: Path, kind: str, oldest: bool
) -> None:
    """Installed in an empty environment, the server serves its own client.

    With the pinned versions, and with the oldest that the project allows.
    """
    environment = Environment(tmp_path / "environment")
    environment.install(
        f"{getattr(built, kind)}[server]",
        *_requirements(oldest=oldest),
        constraints=not oldest,
    )
    assert environment.run("python", "-m", "pip", "check") == "No broken requirements found.\n"
    assert environment.run("harmony-server", "--version") == f"harmony-server {__version__}\n"
    with environment.server() as address:
        printed = environment.run("python", "-c", _CLIENT, address)
    assert printed.startswith("[200006, 1428, 200008, 13225, 200007] ")
    assert str(environment.folder) in printed
