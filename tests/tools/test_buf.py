"""scripts/buf.py: proto changes that break clients of the last tagged version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tools import ROOT, tool

_SECONDS = 120


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of everything that the script needs."""
    tool("npm")
    prepare = [sys.executable, str(ROOT / "scripts" / "buf.py"), "--prepare"]
    subprocess.run(prepare, check=True, capture_output=True, timeout=_SECONDS)
    for folder in ("protos", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copyfile(ROOT / "buf.yaml", tmp_path / "buf.yaml")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def check(copy: Path, *changes: tuple[str, str, str]) -> tuple[int, str]:
    """Changes protos and checks them; returns the exit status and the output."""
    for file, old, new in changes:
        path = copy / "protos" / "harmony" / "v1" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
    command = [sys.executable, str(copy / "scripts" / "buf.py")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)
    return done.returncode, done.stdout + done.stderr


# One change of each kind, and how buf reports it.
BREAKING = {
    ("service.proto", "  bool strict = 2;\n", ""): 'field "2" with name "strict"',
    ("chat.proto", "channel = 4;", "channel = 6;"): 'field "4" with name "channel"',
    ("chat.proto", "optional string recipient", "string recipient"): "changed cardinality",
    ("parse.proto", "uint32 stop_token", "uint64 stop_token"): "changed type",
    ("chat.proto", "ROLE_TOOL = 5", "ROLE_FUNCTION = 5"): "changed name",
    ("service.proto", "rpc Encode(", "rpc Tokenize("): 'RPC "Encode"',
}


def test_breaking_changes_are_reported(copy: Path) -> None:
    """Each removed or changed element is reported by name."""
    status, printed = check(copy, *BREAKING)
    assert status != 0
    assert [report for report in BREAKING.values() if report not in printed] == []


ADDED = "  bool as_bytes = 3;\n"


def test_a_new_field_is_not_a_breaking_change(copy: Path) -> None:
    """A new field passes the check."""
    assert check(copy, ("service.proto", ADDED, f"{ADDED}  uint32 limit = 4;\n")) == (0, "")


def test_protos_that_do_not_compile(copy: Path) -> None:
    """Protos that do not compile are an error, without a comparison."""
    status, printed = check(copy, ("service.proto", "package harmony.v1;", "package harmony.v2;"))
    assert status != 0
    assert "cannot find `ParseRequest` in this scope" in printed
    assert "Failure" not in printed


def test_names_against_the_style_guide(copy: Path) -> None:
    """A name that violates the style guide is an error."""
    status, printed = check(copy, ("service.proto", ADDED, f"{ADDED}  bool AsText = 4;\n"))
    assert status != 0
    assert "AsText" in printed
