"""The code in the documents, to be run unchanged."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from tests.support.tools import ROOT


def document(name: str) -> str:
    """Returns the text of a document."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Returns the text below a heading, up to the next heading."""
    _, _, rest = text.partition(f"# {heading}\n")
    assert rest, f"no heading {heading!r}"
    return re.split(r"^#{2,} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def blocks(text: str, language: str) -> list[str]:
    """Returns the code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@dataclass
class Command:
    """A command in a `console` block.

    Attributes:
        line: The command, which may span several lines.
        output: The output shown below it.
    """

    line: str
    output: str = ""


def commands(text: str) -> list[Command]:
    """Returns the commands of all `console` blocks."""
    found: list[Command] = []
    for block in blocks(text, "console"):
        for line in block.splitlines(keepends=True):
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif _is_open(found[-1].line):
                found[-1].line += line
            else:
                found[-1].output += line
    return found


def _is_open(line: str) -> bool:
    """Says whether a quotation continues on the next line."""
    try:
        shlex.split(line)
    except ValueError:
        return True
    return False
