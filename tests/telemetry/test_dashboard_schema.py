"""The dashboard conforms to Grafana's published types; no package registry has Grafana itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.tools import tool
from tests.telemetry import dashboard

_FOLDER = Path(__file__).parent / "grafana_schema"
_MODULES = _FOLDER / "node_modules"
_TIMEOUT_SECONDS = 300
_VALUE = 'export const dashboard: import("./schema.js").Dashboard = '


@pytest.fixture(scope="module")
def node() -> str:
    """The path of Node.js; Grafana's types and the compiler are installed on first use."""
    path = tool("node")
    if not _MODULES.exists():
        install = [tool("npm"), "install", "--no-save", "--no-package-lock", "--ignore-scripts"]
        subprocess.run(
            [*install, "--no-audit", "--no-fund"], cwd=_FOLDER, check=True, timeout=_TIMEOUT_SECONDS
        )
    return path


def _complaints(node: str, text: str, folder: Path) -> str:
    """Returns the compiler's errors for a dashboard."""
    for name in ("schema.ts", "tsconfig.json", "package.json"):
        (folder / name).write_text((_FOLDER / name).read_text())
    (folder / "node_modules").symlink_to(_MODULES)
    (folder / "dashboard.ts").write_text(_VALUE + text)
    command: list[str | Path] = [node, _MODULES / "typescript" / "bin" / "tsc", "--project", folder]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
    ).stdout


def test_the_dashboard_has_the_right_types(node: str, tmp_path: Path) -> None:
    """Every property is known to Grafana and has a value of its type."""
    assert _complaints(node, dashboard.PATH.read_text(), tmp_path) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"type": "timeseries"', '"type": "graph"'),
        ('"displayMode": "table"', '"displayMode": "tabular"'),
        ('"spanNulls"', '"spanNull"'),
        ('"refresh": 2', '"refresh": 9'),
        ('"expr"', '"expression"'),
    ],
)
def test_a_wrong_type_is_reported(node: str, tmp_path: Path, right: str, wrong: str) -> None:
    """The compiler reports a wrong property or value at any depth."""
    text = dashboard.PATH.read_text()
    before, _, after = text.partition(right)
    assert after
    line = 1 + before.count("\n")
    assert f"dashboard.ts({line}," in _complaints(node, before + wrong + after, tmp_path)


def test_the_schema_version_is_current(node: str) -> None:
    """The dashboard has the schema version of these types, so that Grafana migrates nothing."""
    script = "console.log(require('@grafana/schema').defaultDashboard.schemaVersion)"
    result = subprocess.run(
        [node, "--eval", script], cwd=_FOLDER, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == dashboard.load()["schemaVersion"]
