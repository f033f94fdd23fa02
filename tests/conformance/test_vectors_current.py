"""The vectors in the tree match the generator."""

import pathlib

import pytest

from .generator import __main__ as generator


def test_the_vectors_are_current() -> None:
    """Regenerating the vectors changes nothing."""
    assert generator.differences(generator.generate()) == []


def test_the_check_fails_if_files_differ(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` names files that are missing, stale or different, and writes nothing."""
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    monkeypatch.setattr(generator, "generate", lambda: {"a.json": "{}\n", "b.json": "{}\n"})
    (tmp_path / "b.json").write_text("other")
    (tmp_path / "c.json").write_text("stale")
    assert generator.main(["--check"]) == 1
    shown = capsys.readouterr().err
    assert [name for name in ("a.json", "b.json", "c.json") if name in shown] == [
        *("a.json", "b.json", "c.json")
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json", "c.json"]
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]
