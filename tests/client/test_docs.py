"""The docs: every example runs, and the tree of errors is the real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harmony_client import errors

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "client.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["client.md", "training.md"])
def test_examples_run(server_address: str, page: str) -> None:
    """The examples of a page run in order, as one program."""
    text = (DOCS / page).read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(examples) > 5
    program = "\n".join(examples).replace("127.0.0.1:50051", server_address)
    exec(compile(program, f"docs/{page}", "exec"), {"__name__": "docs"})


def test_examples_of_the_readme_run(server_address: str) -> None:
    """The examples of README.md run, including the one that needs no server."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(examples) == 2
    program = "\n".join(examples).replace("127.0.0.1:50051", server_address)
    exec(compile(program, "README.md", "exec"), {"__name__": "readme"})


def test_hierarchy_of_errors() -> None:
    """The page and the module show the same tree."""

    def names(text: str) -> list[str]:
        return re.findall(r"^[ │├└─]*(\w+)(?: {2,}.*)?$", text, re.MULTILINE)

    (drawn,) = re.findall(r"^```\n(HarmonyClientError.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert errors.__doc__ is not None
    assert names(drawn) == names(errors.__doc__.split("\n\n")[1])
