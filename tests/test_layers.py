"""The layers that `make lint` enforces and CONTRIBUTING.md describes."""

from __future__ import annotations

import copy
import functools
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.contracts.layers import LayersContract

_ROOT = Path(__file__).parents[1]
_PACKAGES = ("harmony_client", "harmony_server")
_LINT = Path(sys.executable).with_name("lint-imports")


@functools.cache
def _contracts() -> dict[str, dict[str, Any]]:
    """Returns the layer contracts, by the package whose modules they order."""
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {
        contract["containers"][0]: contract
        for contract in contracts
        if contract["type"] == "layers"
    }


@functools.cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*_PACKAGES, include_external_packages=True)


def _layers(container: str) -> list[list[str]]:
    """Returns the modules of each layer, from the top."""
    return [layer.split(" | ") for layer in _contracts()[container]["layers"]]


def _is_kept(container: str, graph: grimp.ImportGraph) -> bool:
    contract = {**_contracts()[container], "exhaustive": "true"}
    session = {"root_packages": list(_PACKAGES)}
    return LayersContract(contract["name"], session, contract).check(graph, verbose=False).kept


def _forbidden_imports(container: str) -> list[tuple[str, str]]:
    """Returns the pairs of modules in which the first must not import the second."""
    layers = _layers(container)
    upward = [
        (importer, imported)
        for upper, lower in itertools.combinations(layers, 2)
        for imported in upper
        for importer in lower
    ]
    sideways = [pair for layer in layers for pair in itertools.permutations(layer, 2)]
    return [
        (f"{container}.{importer}", f"{container}.{imported}")
        for importer, imported in upward + sideways
    ]


@pytest.mark.parametrize("container", ["harmony_server", "harmony_server.core", "harmony_client"])
def test_each_forbidden_direction_is_caught(container: str) -> None:
    """One import upward, or between two modules of a layer, breaks the contract."""
    assert _contracts()[container]["exhaustive"] is True
    assert _is_kept(container, _graph())
    directions = _forbidden_imports(container)
    assert len(directions) > 90
    for importer, imported in directions:
        graph = copy.deepcopy(_graph())
        graph.add_import(importer=importer, imported=imported)
        assert not _is_kept(container, graph), f"{importer} may import {imported}"


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        (
            "harmony_server/core/bounds.py",
            "from harmony_server import settings",
            "harmony_server.core is not allowed to import harmony_server.settings",
        ),
        (
            "harmony_server/workers/placement.py",
            "from harmony_server.cli import app",
            "harmony_server.workers is not allowed to import harmony_server.cli",
        ),
        ("harmony_server/attic.py", "", "harmony_server.attic"),
        ("harmony_server/core/attic.py", "", "harmony_server.core.attic"),
        ("harmony_client/attic.py", "", "harmony_client.attic"),
        (
            "harmony_server/rpc/guard.py",
            "from harmony_server.rpc import handlers",
            "No cycles are allowed in harmony_server.rpc",
        ),
        (
            "harmony_server/operations/limits.py",
            "import grpc",
            "harmony_server.operations is not allowed to import grpc",
        ),
        (
            "harmony_client/errors.py",
            "from harmony_server import core",
            "harmony_client is not allowed to import harmony_server",
        ),
    ],
)
def test_the_lint_reports_a_violation(
    tmp_path: Path, module: str, source: str, complaint: str
) -> None:
    """The command reports a forbidden import, and a module that belongs to no layer."""
    for package in _PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(_ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(_ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{source}\n")
    lint = subprocess.run(
        [_LINT, "--no-cache"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "COLUMNS": "1000"},
        check=False,
    )
    assert lint.returncode == 1, lint.stdout
    assert complaint in " ".join(lint.stdout.split())


def test_contributing_describes_each_layer() -> None:
    """The table in CONTRIBUTING.md lists the layers of the server in order."""
    page = (_ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ", page, re.MULTILINE)
    assert [re.findall(r"`(\w+)`", row) for row in rows] == _layers("harmony_server")
