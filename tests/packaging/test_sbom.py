"""The bill of materials that scripts/sbom.py writes."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from .pins import normalized, pins

pytestmark = [pytest.mark.runtimes, pytest.mark.long]

_ROOT = Path(__file__).parents[2]
# It makes two environments from the package index; 30 s here.
_TIMEOUT_SECONDS = 600
_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))
"""

Component = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The bill of materials, written anew."""
    path = _ROOT / "dist" / "sbom.cdx.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, str(_ROOT / "scripts" / "sbom.py")]
    subprocess.run(command, check=True, timeout=_TIMEOUT_SECONDS)
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def packages(document: dict[str, Any]) -> dict[str, str]:
    """The version of each package in it."""
    libraries = (it for it in document["components"] if it["type"] == "library")
    return {normalized(it["name"]): it["version"] for it in libraries}


def test_it_is_cyclonedx(document: dict[str, Any]) -> None:
    """It has the schema of CycloneDX 1.6; what has not is told apart."""

    def problem(text: str) -> str:
        python = _ROOT / "build" / "sbom" / "tools" / "bin" / "python"
        command = [str(python), "-c", _VALIDATE]
        done = subprocess.run(command, check=True, input=text, capture_output=True, text=True)
        return done.stdout.strip()

    assert document["specVersion"] == "1.6"
    assert problem(json.dumps(document)) == "None"
    assert problem(json.dumps({**document, "components": [{"name": "x"}]})) != "None"


def test_every_requirement_is_in_it(packages: dict[str, str]) -> None:
    """The packages that the image installs are in it, each at the version of constraints.txt."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *extras["core"], *extras["server"], *extras["otel"]]
    needs.remove("harmony-sidecar[core]")
    names = (re.match(r"[\w.-]+", need) for need in needs)
    assert {normalized(name[0]) for name in names if name} <= packages.keys()
    assert packages.items() <= pins().items()


def test_everything_is_needed(document: dict[str, Any]) -> None:
    """Every component is a dependency of the server, or of one that is."""
    needs = {it["ref"]: it.get("dependsOn", []) for it in document["dependencies"]}
    found = {document["metadata"]["component"]["bom-ref"]}
    while more := {need for it in found for need in needs.get(it, [])} - found:
        found |= more
    assert {it["bom-ref"] for it in document["components"]} <= found


def test_every_component_has_a_licence(document: dict[str, Any]) -> None:
    """The server's own is Apache-2.0."""
    root = document["metadata"]["component"]
    assert [it["license"]["id"] for it in root["licenses"]] == ["Apache-2.0"]
    assert [it["name"] for it in document["components"] if not it.get("licenses")] == []


def test_the_data_of_others(document: dict[str, Any]) -> None:
    """What NOTICE names is in it: the vocabulary with its hash, licence and origin."""
    notice = (_ROOT / "NOTICE").read_text("utf-8")
    described = json.dumps(document["components"])
    for path in re.findall(r"^harmony_\S+$", notice, re.MULTILINE):
        assert path in described
    [vocabulary] = (it for it in document["components"] if it["type"] == "data")
    packed = (_ROOT / "harmony_server/core/data/o200k_base.zlib").read_bytes()
    assert _sha256(vocabulary) == hashlib.sha256(packed).hexdigest()
    assert [it["license"]["id"] for it in vocabulary["licenses"]] == ["MIT"]
    [original] = vocabulary["pedigree"]["ancestors"]
    assert _sha256(original) in notice


def _sha256(component: Component) -> str:
    [entry] = component["hashes"]
    assert entry["alg"] == "SHA-256"
    return str(entry["content"])
