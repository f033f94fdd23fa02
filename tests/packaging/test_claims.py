"""Pages that name a test for each claim."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
# Sections in which each row of a table is a claim.
_CLAIMS = {
    "security.md": "What the server does",
    "reliability.md": "Pitfalls",
}


def _page(name: str) -> str:
    return (_ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("page", sorted(_CLAIMS))
def test_named_tests_exist(page: str) -> None:
    """Each test that a page names exists."""
    named = _TEST.findall(_page(page))
    assert named
    for path, name in named:
        module = ast.parse((_ROOT / path).read_text("utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = {node.name for node in module.body if isinstance(node, functions)}
        assert name in found, f"{path}::{name}"


@pytest.mark.parametrize(("page", "title"), sorted(_CLAIMS.items()))
def test_every_claim_names_a_test(page: str, title: str) -> None:
    """Each row of a page's tables of claims names a test."""
    _, _, rest = _page(page).partition(f"## {title}\n")
    section, _, _ = rest.partition("\n## ")
    rows = [row for row in section.splitlines() if row.startswith("| ") and row != "| | |"]
    assert len(rows) > 20
    assert [row for row in rows if not _TEST.search(row)] == []
