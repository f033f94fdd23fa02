"""Builds and checks every client, tries it against real servers, and prints a table of results.

    python -m scripts.try_clients              # every language
    python -m scripts.try_clients go rust      # some languages
    python -m scripts.try_clients --markdown   # the totals as Markdown, for the README

A language whose tools are missing is skipped; with the environment variable CI, that is a failure.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from devtools.certificates import Authority
from devtools.server_process import harmony_command, listens_on, running, serve_command
from devtools.vector_files import FOLDER, read_vectors

Command = Sequence[str]

ROOT: Final = Path(__file__).resolve().parent.parent
_TRANSPORTS: Final = ("TCP", "Unix", "TLS")

_TOOL_CHECK_SECONDS: Final = 60  # Java's tools start slowly on a busy machine
_SECONDS: Final = {"build": 1800, "check": 1800, "example": 60}
_RUNNER_SECONDS: Final = 300
_SHOWN_LINES: Final = 200  # of the output of a failed command
_COUNT = re.compile(r"^(?:\x1b\[[\d;]*m)*(\w+): (\d+) passed, \d+ failed$", re.MULTILINE)

# Wide enough for the table of all languages, whatever the terminal.
console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True, width=120)


@dataclass(frozen=True)
class Language:
    """The client in one language, and the commands to try it.

    Attributes:
        name: The language's name.
        tools: For each tool that it needs, a command that succeeds if the tool is installed, and
            the tool's name and package.
        build: Commands that build the library, the conformance runner and the example.
        check: Commands that run linters and unit tests.
        runner: Command that runs the conformance vectors, without its arguments.
        example: Command that runs the example; `{target}` stands for the server's address.
        shown: Texts that the example must print.
    """

    name: str
    tools: Mapping[str, str]
    build: Sequence[Command]
    check: Sequence[Command]
    runner: Command
    example: Command
    shown: Sequence[str] = ("analysis", "functions.get_weather", "Oslo", "It rains in Oslo.")

    def runner_command(self, arguments: Sequence[str]) -> Command:
        """Returns the command that runs the conformance runner with arguments."""
        if self.runner[0] == "make":
            return [*self.runner, f"ARGS={shlex.join(arguments)}"]
        return [*self.runner, *arguments]

    def missing(self) -> str | None:
        """Returns the first missing tool, with its package; None if no tool is missing."""
        for command, tool in self.tools.items():
            try:
                status = _run(shlex.split(command), _TOOL_CHECK_SECONDS)[0]
            except FileNotFoundError:
                status = 1
            if status != 0:
                return tool
        return None


def _with_makefile(name: str, folder: str, tools: Mapping[str, str]) -> Language:
    """Returns a language whose folder has a Makefile with the usual targets."""
    make = ("make", "--no-print-directory", "-C", f"clients/{folder}")
    return Language(
        name=name,
        tools={"make --version": "make (apt-get install make)", **tools},
        build=[[*make, "build"]],
        check=[[*make, "check"]],
        runner=[*make, "conformance"],
        example=[*make, "example", "TARGET={target}"],
    )


_PIP_WHEEL = ("-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps")
LANGUAGES: Final = {
    "python": Language(
        name="Python",
        tools={},
        build=[[sys.executable, *_PIP_WHEEL, "--wheel-dir", "build/wheel", "."]],
        check=[
            [sys.executable, "-m", "ruff", "format", "--check", "harmony_client"],
            [sys.executable, "-m", "ruff", "check", "harmony_client"],
            [sys.executable, "-m", "mypy", "--package", "harmony_client"],
        ],
        runner=[sys.executable, "-m", "tests.conformance"],
        example=[sys.executable, "examples/demo.py"],
        shown=("analysis", "functions.find_trains", "Wien Hbf", "Take RJ 559"),
    ),
    "go": _with_makefile("Go", "go", {"go version": "go, 1.26 or newer"}),
    "typescript": _with_makefile(
        "TypeScript",
        "typescript",
        {
            "node --version": "node (apt-get install nodejs)",
            "npm --version": "npm (apt-get install npm)",
        },
    ),
    "rust": _with_makefile(
        "Rust",
        "rust",
        {
            "cargo --version": "cargo, 1.88 or newer",
            "cargo fmt --version": "rustfmt (apt-get install rustfmt)",
            "cargo clippy --version": "clippy (apt-get install rust-clippy)",
        },
    ),
    "java": _with_makefile(
        "Java",
        "java",
        {
            "javac -version": "javac (apt-get install default-jdk-headless)",
            "mvn --version": "mvn (apt-get install maven)",
        },
    ),
    "cpp": _with_makefile(
        "C++",
        "cpp",
        {
            "cmake --version": "cmake (apt-get install cmake)",
            "g++ --version": "g++ (apt-get install g++)",
            "pkg-config --exists grpc++": "grpc++ (apt-get install libgrpc++-dev pkg-config)",
            "protoc --version": "protoc (apt-get install protobuf-compiler)",
            "sh -c 'command -v grpc_cpp_plugin'": (
                "grpc_cpp_plugin (apt-get install protobuf-compiler-grpc)"
            ),
            "clang-format --version": "clang-format (apt-get install clang-format)",
            "clang-tidy --version": "clang-tidy (apt-get install clang-tidy)",
        },
    ),
}


@dataclass
class Report:
    """The results of one language.

    Attributes:
        language: The language.
        seconds: The duration of each step that ran. Steps are build, check, example and transports.
        failed: The steps that failed.
        passed: For each transport tried, the number of vectors that passed, by RPC.
    """

    language: Language
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    passed: dict[str, Counter[str]] = field(default_factory=dict)


class Trial:
    """Tries the client of one language."""

    def __init__(self, language: Language, expected: Counter[str]) -> None:
        self.report = Report(language)
        self._expected = expected

    def run(self, transports: Mapping[str, Sequence[str]]) -> Report:
        """Runs all steps, or only a build that fails; `transports` has the runner's arguments."""
        language = self.report.language
        if self._run_step("build", language.build):
            self._run_step("check", language.check)
            for transport, arguments in transports.items():
                self._run_vectors(transport, [*arguments, str(FOLDER)])
            _, target = transports[_TRANSPORTS[0]]
            self._run_example(target)
        return self.report

    def _run_step(self, step: str, commands: Sequence[Command]) -> bool:
        begin = time.monotonic()
        for command in commands:
            status, output = _run(command, _SECONDS[step])
            if status != 0:
                self._fail(step, command, output)
                break
        self._done(step, begin)
        return step not in self.report.failed

    def _run_vectors(self, transport: str, arguments: Sequence[str]) -> None:
        begin = time.monotonic()
        command = self.report.language.runner_command(arguments)
        status, output = _run(command, _RUNNER_SECONDS)
        lines = {rpc: int(passed) for rpc, passed in _COUNT.findall(output) if rpc != "total"}
        passed = self.report.passed[transport] = Counter(lines)
        # A runner that skips vectors has failed, too.
        if status != 0 or passed != self._expected:
            self._fail(transport, command, output)
        self._done(transport, begin)

    def _run_example(self, target: str) -> None:
        begin = time.monotonic()
        command = [word.format(target=target) for word in self.report.language.example]
        status, output = _run(command, _SECONDS["example"])
        missing = [text for text in self.report.language.shown if text not in output]
        if status != 0 or missing:
            self._fail(
                "example", command, output + "".join(f"\nmissing: {text}" for text in missing)
            )
        self._done("example", begin)

    def _fail(self, step: str, command: Command, output: str) -> None:
        self.report.failed.append(step)
        console.print(f"FAILED {self.report.language.name}, {step}: {shlex.join(command)}")
        for line in output.splitlines()[-_SHOWN_LINES:]:
            console.print(f"    {line}")

    def _done(self, step: str, begin: float) -> None:
        seconds = self.report.seconds[step] = time.monotonic() - begin
        verdict = "FAILED" if step in self.report.failed else "ok"
        console.print(f"{self.report.language.name}, {step}: {verdict}, {seconds:.1f} s")


def _run(command: Command, seconds: float) -> tuple[int, str]:
    """Runs a command at the root of the repository; returns its exit status and output."""
    # The options of an outer make must not reach the clients' makes.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAG"))
    }
    # The unit tests of some clients run servers of their own.
    environment.setdefault("SIDECAR_COMMAND", " ".join(harmony_command()))
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except BaseException as error:
            # Also ends what the command started, such as compilers.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return 124, f"{output}\nkilled after {seconds:.0f} s, its time limit"
    return process.returncode, output


@contextlib.contextmanager
def _server(*arguments: str) -> Iterator[str]:
    """Runs a server, yields its first address once it serves, and finally prints its log."""
    with tempfile.TemporaryFile("w+") as log:
        try:
            command = serve_command("--openai", "--log-level", "error", *arguments)
            with running(command, stderr=log) as process:
                try:
                    # The server prints its addresses once it serves on all of them.
                    address = listens_on(process)
                except RuntimeError as error:
                    raise SystemExit(f"the server did not start: {error}") from None
                yield address
        finally:
            log.seek(0)
            for message in log.read().splitlines()[-_SHOWN_LINES:]:
                console.print(f"server: {message}")


@contextlib.contextmanager
def servers() -> Iterator[dict[str, list[str]]]:
    """Runs servers; yields, for each transport, the arguments with which a runner reaches one."""
    with tempfile.TemporaryDirectory(prefix="harmony-") as name:
        folder = Path(name)
        authority = Authority()
        ca = folder / "ca.pem"
        ca.write_bytes(authority.certificate)
        certificate, key = authority.issue().write(folder, "server")
        socket = f"unix://{folder}/harmony.sock"
        encrypted = ("--tls-certificate", certificate, "--tls-key", key)
        with (
            _server("--listen", "127.0.0.1:0", "--listen", socket) as tcp,
            _server("--listen", "127.0.0.1:0", *encrypted) as tls,
        ):
            targets = (["--target", tcp], ["--target", socket], ["--target", tls, "--ca", str(ca)])
            yield dict(zip(_TRANSPORTS, targets, strict=True))


def rows(reports: Sequence[Report], expected: Counter[str], *, detailed: bool) -> list[list[str]]:
    """Returns the table: its head, then a row per result, with a column per language.

    With `detailed` it also has a row for each RPC, and how long each language took.
    """
    columns = [_column(report, expected, detailed=detailed) for report in reports]
    body = [[head, *[column[head] for column in columns]] for head in columns[0]]
    return [["", *[report.language.name for report in reports]], *body]


def _column(report: Report, expected: Counter[str], *, detailed: bool) -> dict[str, str]:
    column: dict[str, str] = {}
    if detailed:
        played = sum(report.passed.values(), Counter[str]())
        for rpc, count in expected.items():
            column[rpc] = f"{played[rpc]}/{len(_TRANSPORTS) * count}"
    for transport in _TRANSPORTS:
        passed = report.passed.get(transport, Counter[str]()).total()
        column[f"all over {transport}"] = f"{passed}/{expected.total()}"
    for step in ("check", "example"):
        verdict = "failed" if step in report.failed else "ok"
        column[step] = verdict if step in report.seconds else "–"
    if detailed:
        column["build, seconds"] = f"{report.seconds.get('build', 0):.0f}"
        column["whole, seconds"] = f"{sum(report.seconds.values()):.0f}"
    return column


def as_markdown(table: Sequence[Sequence[str]]) -> str:
    """Returns a table as Markdown text."""
    head, *body = table
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _as_rich(table: Sequence[Sequence[str]]) -> Table:
    head, *body = table
    shown = Table()
    for index, name in enumerate(head):
        shown.add_column(name, justify="right" if index else "left", no_wrap=True)
    for line in body:
        shown.add_row(*line)
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Try every client against real servers.")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=", ".join(LANGUAGES))
    parser.add_argument("--markdown", action="store_true", help="print the totals as Markdown")
    options = parser.parse_args(arguments)
    chosen = options.languages or list(LANGUAGES)
    if unknown := [key for key in chosen if key not in LANGUAGES]:
        parser.error(f"no such language: {', '.join(unknown)}; there are {', '.join(LANGUAGES)}")
    expected = Counter(vector.rpc for vector in read_vectors(FOLDER))
    reports: list[Report] = []
    skipped = False
    with servers() as transports:
        for key in chosen:
            if missing := LANGUAGES[key].missing():
                console.print(f"SKIP {LANGUAGES[key].name}: no {missing}")
                skipped = True
            else:
                reports.append(Trial(LANGUAGES[key], expected).run(transports))
    if reports:
        # The README has the totals: durations depend on the machine, and RPCs are many.
        table = rows(reports, expected, detailed=not options.markdown)
        console.print()
        console.print(as_markdown(table) if options.markdown else _as_rich(table))
    failed = any(report.failed for report in reports)
    return 1 if failed or (skipped and os.environ.get("CI")) else 0


if __name__ == "__main__":
    sys.exit(main())
