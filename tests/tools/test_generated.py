"""scripts/generate_clients.py: the check behind `make check-generated`."""

from __future__ import annotations

from pathlib import Path

from scripts import generate_clients as script


def test_differences_are_reported(tmp_path: Path) -> None:
    """Stale, missing and no longer generated files are reported; other files are ignored."""
    tree, generated = tmp_path / "tree", tmp_path / "generated"
    for folder, files in {
        tree: {"gen/same": "1", "gen/changed": "old", "gen/dropped": "1", "written": "by hand"},
        generated: {"gen/same": "1", "gen/changed": "new", "gen/added": "1"},
    }.items():
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    found = script.differences(tree, generated, ("gen/*",))
    assert found == ["gen/added", "gen/changed", "gen/dropped"]
