"""Every place with the version has the same one."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from harmony_server.cli import main
from harmony_server.version import __version__

_ROOT = Path(__file__).parents[2]


def test_the_command_prints_the_version() -> None:
    """`harmony-server --version` prints the version."""
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"harmony-server {__version__}\n"


def test_the_newest_entry_of_the_changelog() -> None:
    """The changelog begins with the current version."""
    headings = re.findall(
        r"^## \[(.+?)\]", (_ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert headings[0] == __version__


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("clients/cpp/CMakeLists.txt", r"^ +VERSION (\S+)$"),
        ("clients/java/client/pom.xml", r"<version>(.+)</version>"),
        ("clients/java/pom.xml", r"<version>(.+)</version>"),
        ("clients/rust/Cargo.toml", r'^version = "(.+)"$'),
        ("clients/typescript/package.json", r'^  "version": "(.+)"'),
        ("deploy/helm/harmony-sidecar/Chart.yaml", r"^appVersion: (\S+)$"),
        ("deploy/helm/harmony-sidecar/Chart.yaml", r"^version: (\S+)$"),
    ],
)
def test_clients_and_chart_have_the_version(path: str, pattern: str) -> None:
    """The clients and the chart have the server's version; the first match is their own."""
    found = re.search(pattern, (_ROOT / path).read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == __version__
