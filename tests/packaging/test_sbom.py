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
# The script creates two environments from the package index, which takes 30 s.
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
    """A new bill of materials."""
    path = _ROOT / "dist" / "sbom.cdx.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, str(_ROOT / "scripts" / "sbom.py")]
    subprocess.run(command, check=True, timeout=_TIMEOUT_SECONDS)
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def packages(document: dict[str, Any]) -> dict[str, str]:
    """The version of each package in the bill of materials."""
    libraries = (part for part in document["components"] if part["type"] == "library")
    return {normalized(library["name"]): library["version"] for library in libraries}


def test_it_is_cyclonedx(document: dict[str, Any]) -> None:
    """The bill of materials is valid CycloneDX 1.6, by a validator that notices errors."""

    def problem(text: str) -> str:
        python = _ROOT / "build" / "sbom" / "tools" / "bin" / "python"
        command = [str(python), "-c", _VALIDATE]
        done = subprocess.run(command, check=True, input=text, capture_output=True, text=True)
        return done.stdout.strip()

    assert document["specVersion"] == "1.6"
    assert problem(json.dumps(document)) == "None"
    assert problem(json.dumps({**document, "components": [{"name": "x"}]})) != "None"


def test_every_requirement_is_in_it(packages: dict[str, str]) -> None:
    """It lists the image's packages, each at the version of constraints.txt."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *extras["core"], *extras["server"], *extras["otel"]]
    needs.remove("harmony-sidecar[core]")
    names = (re.match(r"[\w.-]+", need) for need in needs)
    assert {normalized(name[0]) for name in names if name} <= packages.keys()
    assert packages.items() <= pins().items()


def test_everything_is_needed(document: dict[str, Any]) -> None:
    """Every component is a direct or indirect dependency of the server."""
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    found = {document["metadata"]["component"]["bom-ref"]}
    while more := {need for ref in found for need in needs.get(ref, [])} - found:
        found |= more
    assert {component["bom-ref"] for component in document["components"]} <= found


def test_every_component_has_a_licence(document: dict[str, Any]) -> None:
    """Every component has a licence, and the server's is Apache-2.0."""
    root = document["metadata"]["component"]
    assert [licence["license"]["id"] for licence in root["licenses"]] == ["Apache-2.0"]
    components = document["components"]
    assert [part["name"] for part in components if not part.get("licenses")] == []


def test_third_party_data_is_in_it(document: dict[str, Any]) -> None:
    """It lists what NOTICE names: the vocabulary with its hash, licence and origin."""
    notice = (_ROOT / "NOTICE").read_text("utf-8")
    described = json.dumps(document["components"])
    for path in re.findall(r"^harmony_\S+$", notice, re.MULTILINE):
        assert path in described
    [vocabulary] = (part for part in document["components"] if part["type"] == "data")
    packed = (_ROOT / "harmony_server/core/data/o200k_base.zlib").read_bytes()
    assert _sha256(vocabulary) == hashlib.sha256(packed).hexdigest()
    assert [licence["license"]["id"] for licence in vocabulary["licenses"]] == ["MIT"]
    [original] = vocabulary["pedigree"]["ancestors"]
    assert _sha256(original) in notice


def _sha256(component: Component) -> str:
    [entry] = component["hashes"]
    assert entry["alg"] == "SHA-256"
    return str(entry["content"])
