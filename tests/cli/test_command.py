"""The command as a whole: help, version, errors, pipes and encodings."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.server_process import harmony_command
from harmony_server.version import __version__

from .conftest import Run

COMMANDS = ["serve", "config", "health", "render", "parse", "inspect", "encode", "decode"]


def execute(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Runs the command in its own process."""
    command = harmony_command(*arguments)
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def test_version(run: Run) -> None:
    """--version is one line."""
    assert run("--version").stdout == f"harmony-server {__version__}\n"


def test_help_without_a_command(run: Run) -> None:
    """Without a command it prints the help, which lists every command."""
    result = run()
    assert result.exit_code == 0
    assert all(f"\n  {command} " in result.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(run: Run, command: str) -> None:
    """Each command's help has an example."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example:\n" in result.stdout
    assert f"harmony-server {command}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nothing"], "harmony-server: No such command 'nothing'"),
        (["parse", "--nothing"], "harmony-server parse: No such option '--nothing'"),
        (["decode", "a", "b"], "harmony-server decode: Got unexpected extra argument (b)"),
        (
            ["encode", "--target", "unix://x"],
            "harmony-server encode: Invalid value for '--target': unix://x: a Unix socket needs "
            "an absolute path",
        ),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], problem: str) -> None:
    """Wrong usage is one line that points to the help."""
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(problem)
    assert result.stderr.endswith(" --help')\n")
    assert result.stderr.count("\n") == 1


def test_missing_file(run: Run) -> None:
    """A missing file is one line."""
    result = run("parse", "nowhere.json")
    assert (result.exit_code, result.stderr) == (2, "nowhere.json: No such file or directory\n")


def test_directory(run: Run, tmp_path: Path) -> None:
    """So is a directory."""
    result = run("render", str(tmp_path))
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path}: Is a directory\n")


def test_process() -> None:
    """As a process it reads from a pipe, writes to a pipe and exits with code 0."""
    done = execute("encode", stdin="Grüße 🚆".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert execute("decode", stdin=done.stdout).stdout == "Grüße 🚆".encode()


def test_process_with_wrong_input() -> None:
    """Invalid input gives exit code 2, one line and no traceback."""
    done = execute("parse", stdin=b"17 x")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"stdin: line 1, column 4: tokens[1] is not a token id: 'x'\n"


@pytest.mark.parametrize("command", ["decode", "inspect"])
def test_broken_pipe(command: str, tmp_path: Path) -> None:
    """If nobody reads the output, the command ends and prints nothing."""
    tokens = tmp_path / "tokens"
    tokens.write_text("13225 " * 100_000)
    arguments = harmony_command(command, str(tokens))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


def test_help_imports_little() -> None:
    """Help imports neither gRPC nor the tokenizer, so that it is fast."""
    program = (
        "import sys; from harmony_server.cli import main; main(['--help'], standalone_mode=False);"
        "assert not {'grpc', 'rich', 'tiktoken'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_output_that_is_not_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text is UTF-8 in any locale; characters that the locale lacks are escaped in `inspect`."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    tokens = execute("encode", "ü").stdout
    assert execute("decode", stdin=tokens).stdout == "ü".encode()
    assert execute("inspect", stdin=tokens).stdout.endswith(b"outside       '\\xfc'\n")


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("command", ["encode Hello", "config", "--help"])
def test_output_that_cannot_be_written(redirection: str, command: str) -> None:
    """A full or closed standard output is one line on standard error, and exit code 1."""
    line = shlex.join(harmony_command(*command.split()))
    result = subprocess.run(
        ["sh", "-c", f"{line} {redirection}"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert re.fullmatch(r"standard output: [A-Za-z ]+\n", result.stderr)
