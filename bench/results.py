"""The rows of RESULTS.md, and the file itself."""

import importlib.metadata
import os
import pathlib
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .compare import Comparison

PATH = pathlib.Path(__file__).parent / "RESULTS.md"
# Packages whose versions the figures depend on.
_PACKAGES = ("openai-harmony", "tiktoken", "grpcio", "protobuf", "pydantic", "openai")


@dataclass(frozen=True)
class Goal:
    """The limit for a figure.

    Attributes:
        words: "at least", "at most" or "under".
        bound: The limit itself.
        unit: Its unit.
    """

    words: str
    bound: float
    unit: str = "times"

    def is_met(self, figure: float) -> bool:
        """Says whether a figure is within the limit."""
        if self.words == "at least":
            return figure >= self.bound
        if self.words == "at most":
            return figure <= self.bound
        return figure < self.bound

    def __str__(self) -> str:
        return f"{self.words} {self.bound:g} {self.unit}"


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        what: The measured quantity.
        ours: Our figure.
        other: The name and the figure of the other side.
        ratio: Their ratio, with its spread.
        goal: The goal as text; empty if there is none.
        met: Whether the goal is met; None if there is none.
    """

    what: str
    ours: str
    other: str
    ratio: str
    goal: str = ""
    met: bool | None = None


def faster(what: str, ours: str, other: str, comparison: Comparison, goal: Goal) -> Row:
    """Returns the row of a claim to be faster than the other side."""
    ratio = comparison.speed_up
    return Row(what, ours, other, f"{ratio} faster", str(goal), goal.is_met(ratio.median))


def costing(
    what: str, ours: str, other: str, comparison: Comparison, goal: Goal | None = None
) -> Row:
    """Returns the row of a claim about our cost as a multiple of the other's."""
    ratio = comparison.cost
    if goal is None:
        return Row(what, ours, other, str(ratio))
    return Row(what, ours, other, str(ratio), str(goal), goal.is_met(ratio.median))


def table(rows: Sequence[Row]) -> str:
    """Formats rows as a Markdown table."""
    met = {None: "–", True: "met", False: "**missed**"}
    lines = ["| what | here | compared with | ratio | goal | |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.ours} | {row.other} | {row.ratio} | {row.goal or '–'} "
        f"| {met[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines)


def write(tables: Mapping[str, Sequence[Row]], command: str, seconds: float) -> None:
    """Writes RESULTS.md: machine and versions, then a table under each heading."""
    parts = [
        "# Results",
        "The command below wrote this page. [README.md](README.md) explains how to read it.",
        "\n".join(f"- {fact}" for fact in _circumstances(command, seconds)),
    ]
    for heading, rows in tables.items():
        parts += [f"## {heading}", table(rows)]
    PATH.write_text("\n\n".join(parts) + "\n")


def _circumstances(command: str, seconds: float) -> list[str]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return [
        f"Command: `{command}`, {seconds:.0f} s",
        f"Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"Machine: {_cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
        f"; load average at the end {load}",
        f"Python {sys.version.split()[0]}, {versions}",
    ]


def _cpu_model() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown CPU"
