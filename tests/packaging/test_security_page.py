"""docs/security.md names tests that there are."""

import ast
import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def _page() -> str:
    return (_ROOT / "docs" / "security.md").read_text("utf-8")


def test_the_tests_that_it_names_exist() -> None:
    """A test that is renamed or removed leaves a claim without proof."""
    named = _TEST.findall(_page())
    assert named
    for path, name in named:
        module = ast.parse((_ROOT / path).read_text("utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        assert name in {it.name for it in module.body if isinstance(it, functions)}, path


def test_every_claim_names_a_test() -> None:
    """In the tables of what the server does each row ends with a test."""
    _, _, rest = _page().partition("## What the server does\n")
    section, _, _ = rest.partition("\n## ")
    rows = [row for row in section.splitlines() if row.startswith("| ") and row != "| | |"]
    assert len(rows) > 20
    assert [row for row in rows if not _TEST.search(row)] == []
