"""scripts/try_clients.py, with clients that pass, fail, skip vectors, hang or are missing."""

import contextlib
import pathlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from devtools.vector_files import FOLDER, read_vectors
from scripts import try_clients as driver
from tests.support.waiting import eventually

_SERVERS = {
    "TCP": ["--target", "tcp"],
    "Unix": ["--target", "unix"],
    "TLS": ["--target", "tls", "--ca", "ca.pem"],
}
_COUNTS = "print('FAILED x'); print('\\x1b[0mParse: 2 passed, 0 failed')"
_RUNNER = f"import sys; {_COUNTS}; print('Render: 1 passed, 0 failed')"
_GOOD = driver.Language(
    name="Good",
    tools={f"{sys.executable} --version": "python"},
    build=[[sys.executable, "-c", "print('noise')"]],
    check=[[sys.executable, "-c", ""]],
    runner=[sys.executable, "-c", f"{_RUNNER}; print('total: 3 passed, 0 failed')"],
    example=[sys.executable, "-c", "print('think call rain', '{target}')"],
    shown=["think", "call", "rain", "tcp"],
)


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces servers and vectors with fakes, and leaves CI."""

    @contextlib.contextmanager
    def servers() -> Iterator[dict[str, list[str]]]:
        yield _SERVERS

    vectors = [SimpleNamespace(rpc=rpc) for rpc in ("Parse", "Parse", "Render")]
    monkeypatch.setattr(driver, "servers", servers)
    monkeypatch.setattr(driver, "read_vectors", lambda _: vectors)
    monkeypatch.delenv("CI", raising=False)


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str, **changes: Any) -> int:
    fakes = {"good": _GOOD, "other": replace(_GOOD, name="Other", **changes)}
    monkeypatch.setattr(driver, "LANGUAGES", fakes)
    return driver.main(arguments)


def test_every_language_has_its_commands() -> None:
    """The script has six languages, each with commands that build and check it."""
    assert list(driver.LANGUAGES) == ["python", "go", "typescript", "rust", "java", "cpp"]
    for language in driver.LANGUAGES.values():
        assert language.build
        assert language.check
    playing = driver.LANGUAGES["go"].runner_command(["--target", "unix:///a b", "folder"])
    assert playing[-1] == "ARGS=--target 'unix:///a b' folder"


@pytest.mark.parametrize(
    "path",
    [
        "go/examples/weather/main.go",
        "typescript/examples/completion.ts",
        "rust/examples/weather/main.rs",
        "java/example/src/main/java/io/github/harmonysidecar/example/Example.java",
        "cpp/examples/weather.cc",
    ],
)
def test_an_example_is_short(path: str) -> None:
    """Each language's example has fewer than 80 lines, none longer than 110 columns."""
    text = (driver.ROOT / "clients" / path).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert len(max(text.splitlines(), key=len).expandtabs(4)) <= 110


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As Markdown, it has transports and steps; a successful step's output is not shown."""
    assert _run(monkeypatch, "--markdown") == 0
    shown = capsys.readouterr().out
    assert "noise" not in shown
    lines = [line for line in shown.splitlines() if line.startswith("| ")]
    head, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert head == ["", "Good", "Other"]
    assert rows == [
        ["all over TCP", "3/3", "3/3"],
        ["all over Unix", "3/3", "3/3"],
        ["all over TLS", "3/3", "3/3"],
        ["check", "ok", "ok"],
        ["example", "ok", "ok"],
    ]


def test_the_table_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal, the table also has each RPC and the seconds that each language took."""
    assert _run(monkeypatch) == 0
    shown = capsys.readouterr().out
    assert re.search(r"│ Parse +│ +6/6 │ +6/6 │", shown)
    assert re.search(r"│ whole, seconds │ +\d+ │ +\d+ │", shown)


_VECTORS = read_vectors(FOLDER)
_PLAYED = Counter(vector.rpc for vector in _VECTORS)


def _runner(played: Counter[str], status: int = 0) -> list[str]:
    """Returns the command of a runner that claims to have played these vectors."""
    lines = [f"{rpc}: {count} passed, 0 failed" for rpc, count in played.items()]
    return [sys.executable, "-c", f"print({chr(10).join(lines)!r}); raise SystemExit({status})"]


@pytest.mark.parametrize(
    ("key", "changes", "status"),
    [
        (None, {}, 0),
        ("go", {"runner": _runner(_PLAYED - Counter(["Parse"]), 1)}, 1),
        ("rust", {"check": [[sys.executable, "-c", "raise SystemExit(1)"]]}, 1),
        ("java", {"shown": ["snow"]}, 1),
        ("cpp", {"tools": {"no-such-tool": "cobol"}}, 0),
    ],
    ids=[
        "all pass",
        "a vector fails",
        "a check fails",
        "an example fails",
        "one is missing",
    ],
)
def test_the_readme_has_the_table(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str | None,
    changes: dict[str, Any],
    status: int,
) -> None:
    """The README's table is the one printed if every language passes every current vector.

    It differs if one of them fails at anything or is missing.
    """
    monkeypatch.setattr(driver, "read_vectors", lambda _: _VECTORS)
    fakes = {
        name: replace(_GOOD, name=language.name, runner=_runner(_PLAYED))
        for name, language in driver.LANGUAGES.items()
    }
    if key:
        fakes[key] = replace(fakes[key], **changes)
    monkeypatch.setattr(driver, "LANGUAGES", fakes)
    assert driver.main(["--markdown"]) == status
    _, separator, table = capsys.readouterr().out.rpartition("\n\n")
    assert separator
    readme = (driver.ROOT / "README.md").read_text(encoding="utf-8")
    assert (f"\n\n{table.strip()}\n\n" in readme) == (key is None)


def test_only_the_given_languages_are_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If languages are given, only those are tried."""
    assert _run(monkeypatch, "good") == 0
    assert "Other" not in capsys.readouterr().out


def test_an_unknown_language_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown language is a usage error."""
    with pytest.raises(SystemExit, match="2"):
        _run(monkeypatch, "cobol")


_PRINT_AND_FAIL = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        ("build", {"build": [_PRINT_AND_FAIL]}),
        ("check", {"check": [_PRINT_AND_FAIL]}),
        ("TLS", {"runner": _PRINT_AND_FAIL}),
        ("example", {"example": _PRINT_AND_FAIL}),
    ],
)
def test_a_step_that_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    step: str,
    changes: dict[str, Any],
) -> None:
    """A failed step is shown with its output and exit status 1; other languages still run."""
    assert _run(monkeypatch, "other", "good", **changes) == 1
    shown = capsys.readouterr().out
    assert f"FAILED Other, {step}: " in shown
    assert "    the reason" in shown
    assert "Good, example: ok" in shown
    assert ("Other, example: " in shown) == (step != "build")


def test_skipped_vectors_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A runner that skips a vector has failed, even with exit status 0."""
    fewer = [sys.executable, "-c", _COUNTS]
    assert _run(monkeypatch, "other", runner=fewer) == 1
    assert "FAILED Other, TCP: " in capsys.readouterr().out


def test_an_example_without_an_expected_text_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An example that does not print each expected text has failed."""
    assert _run(monkeypatch, "other", shown=["think", "snow"]) == 1
    assert "missing: snow" in capsys.readouterr().out


def test_a_step_that_hangs_is_killed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """A command that exceeds its time limit is killed with every process that it started."""
    monkeypatch.setitem(driver._SECONDS, "build", 3)
    pid_file = tmp_path / "pid"
    script = f"echo begun; sleep 600 >/dev/null 2>&1 & echo $! >{pid_file}; exec sleep 600"
    assert _run(monkeypatch, "other", build=[["sh", "-c", script]]) == 1
    shown = capsys.readouterr().out
    assert "begun" in shown
    assert "its time limit" in shown
    eventually(lambda: not _runs(int(pid_file.read_text())))


def _runs(pid: int) -> bool:
    """Says whether a process exists and is not a zombie."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("tool", ["no-such-tool --version", "sh -c 'exit 1'"])
@pytest.mark.parametrize("in_ci", [False, True])
def test_a_missing_tool_skips_the_language(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tool: str, in_ci: bool
) -> None:
    """A language whose tool is missing is skipped with the tool's name; in CI that is a failure."""
    if in_ci:
        monkeypatch.setenv("CI", "true")
    tools = {tool: "cobol (apt-get install gnucobol)"}
    assert _run(monkeypatch, tools=tools) == (1 if in_ci else 0)
    shown = capsys.readouterr().out
    assert "SKIP Other: no cobol (apt-get install gnucobol)" in shown
    assert "Good, example: ok" in shown


def test_the_table_after_a_failed_build() -> None:
    """Steps that did not run are shown as dashes and zeros."""
    report = driver.Report(_GOOD, seconds={"build": 2.0}, failed=["build"])
    table = dict(driver.rows([report], Counter({"Parse": 2}), detailed=True)[1:])
    assert table["Parse"] == "0/6"
    assert table["example"] == "–"
