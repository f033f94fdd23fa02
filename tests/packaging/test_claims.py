"""Pages name the test of each claim and the place of each figure, and their links resolve."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = {
    str(path.relative_to(_ROOT)): path.read_text("utf-8")
    for pattern in ("*.md", "docs/*.md", "bench/*.md", "clients/*/README.md", "deploy/helm/*/*.md")
    for path in sorted(_ROOT.glob(pattern))
}

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_TEST_PATH = re.compile(r"`(tests/[\w/.]+)(?:::(\w+))?`")
# Sections in which each row of a table is a claim.
_CLAIMS = {
    "docs/security.md": "What the server does",
    "docs/reliability.md": "Pitfalls",
}

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)

_UNITS = "KiB|MiB|GiB|kB|MB|GB|ms|µs|ns|s|seconds|%|times faster|times as fast"
_FIGURE = re.compile(rf"(?<![\w.,])\d[\d,.]* ?(?:{_UNITS})(?!\w)")
# The pages with the measurements, which name their commands.
_MEASUREMENTS = ("bench/RESULTS.md", "docs/reliability.md")
# All other figures: settings, fixed bounds, and limits of other programs. A measured figure on
# another page has a link to one of the above in its paragraph or row instead.
_NOT_MEASURED = {
    "clients/typescript/README.md": {"5 MiB", "16 MiB"},
    "deploy/helm/harmony-sidecar/README.md": {"5 s"},
    "docs/client.md": {"30 seconds"},
    "docs/clients.md": {"4 MiB"},
    "docs/clients-go.md": {"20 seconds", "30 seconds", "2 GiB", "256 MiB"},
    "docs/configuration.md": {"5 MiB", "16 KiB", "3 s", "10 s", "20 s", "60 s"},
    "docs/conformance.md": {"1.7 MB", "32 MiB", "30 seconds"},
    "docs/container.md": {"5 s", "10 s"},
    "docs/deployment.md": {"0.1 s", "1 s", "5 s", "10 s"},
    "docs/observability.md": {"1 %", "0.1 ms", "0.5 ms", "0.1 s", "1 s", "3 s"},
    "docs/performance.md": {"4 KiB", "16 KiB", "256 KiB", "5 MB"},
    "docs/proxies.md": {"95 %", "1 GiB", "64 KiB", "5 MiB", "16 MiB", "32 MiB", "60 s", "660 s"},
}


def _slugs(text: str) -> set[str]:
    """Returns the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _paragraphs(text: str) -> list[str]:
    """Returns the paragraphs, list entries and table rows of a page, without its code blocks."""
    return re.split(r"\n\s*\n|\n(?=\s*(?:[-*] |\d+\. |\|))", _FENCE.sub("", text))


def missing_tests(text: str) -> list[str]:
    """Returns the tests that a text names and that do not exist."""
    return [
        f"{path}::{name}"
        for path, name in _TEST_PATH.findall(text)
        if not (_ROOT / path).exists() or (name and name not in _functions(path))
    ]


def _functions(path: str) -> set[str]:
    module = ast.parse((_ROOT / path).read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in module.body if isinstance(node, functions)}


def broken_links(page: str, text: str) -> list[str]:
    """Returns the links of a text on a page to files and headings that do not exist."""
    broken = []
    for target, anchor in _LINK.findall(_FENCE.sub("", text)):
        path = ((_ROOT / page).parent / target).resolve() if target else None
        if path and not path.exists():
            broken.append(target)
        elif anchor and anchor not in _slugs(path.read_text("utf-8") if path else text):
            broken.append(f"{target}#{anchor}")
    return broken


def figures_without_a_place(text: str) -> set[str]:
    """Returns the figures that have no link to a page with measurements beside them."""
    return {
        " ".join(figure.split())
        for paragraph in _paragraphs(text)
        if not re.search(r"\]\((?:\S*/)?(?:RESULTS|reliability)\.md[)#]", paragraph)
        for figure in _FIGURE.findall(paragraph)
    }


def sections_without_a_command(text: str) -> list[str]:
    """Returns the titles of sections that have figures, but neither a test nor a command."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return [
        section.splitlines()[0]
        for section in sections
        if _FIGURE.search(section) and not re.search(r"`(?:tests/|make |\.venv/|python )", section)
    ]


@pytest.mark.parametrize("page", _PAGES)
def test_named_tests_exist(page: str) -> None:
    """Each test, and each other path in `tests`, that a page names exists."""
    assert missing_tests(_PAGES[page]) == []


@pytest.mark.parametrize("page", _PAGES)
def test_links_resolve(page: str) -> None:
    """Each link of a page to a file, and to a heading, leads somewhere."""
    assert broken_links(page, _PAGES[page]) == []


@pytest.mark.parametrize("page", sorted(_PAGES.keys() - set(_MEASUREMENTS)))
def test_every_figure_has_a_place(page: str) -> None:
    """A figure links to the page that measures it, or is known not to be a measurement."""
    assert figures_without_a_place(_PAGES[page]) == _NOT_MEASURED.get(page, set())


@pytest.mark.parametrize("page", _MEASUREMENTS)
def test_every_measurement_has_a_command(page: str) -> None:
    """A page with measurements names its command, and each section its own or its tests."""
    text = _PAGES[page]
    assert re.search(r"python -m bench|make stress", text.partition("\n## ")[0])
    if page != "bench/RESULTS.md":  # one command writes all of it
        assert sections_without_a_command(text) == []


@pytest.mark.parametrize(("page", "title"), sorted(_CLAIMS.items()))
def test_every_claim_names_a_test(page: str, title: str) -> None:
    """Each row of a page's tables of claims names a test."""
    _, _, rest = _PAGES[page].partition(f"## {title}\n")
    section, _, _ = rest.partition("\n## ")
    rows = [row for row in section.splitlines() if row.startswith("| ") and row != "| | |"]
    assert len(rows) > 20
    assert [row for row in rows if not _TEST.search(row)] == []


def test_the_checks_notice_errors() -> None:
    """Each check finds an error that is planted for it, and nothing in its correct twin."""
    here = "tests/packaging/test_claims.py"
    assert missing_tests("`tests/absent` `tests/packaging`") == ["tests/absent::"]
    named = f"`{here}::test_absent` `{here}::test_links_resolve`"
    assert missing_tests(named) == [f"{here}::test_absent"]
    page, text = "docs/page.md", "# A title, `here`\n"
    assert broken_links(page, "[a](absent.md) [b](../README.md)") == ["absent.md"]
    assert broken_links(page, f"{text}[a](#absent) [b](#a-title-here)") == ["#absent"]
    assert figures_without_a_place("Takes 5 ms.\n\nTakes 6 ms: [b](reliability.md).") == {"5 ms"}
    assert figures_without_a_place("- 3 times faster\n- [4 MB](RESULTS.md)") == {"3 times faster"}
    assert sections_without_a_command("## A\n5 MiB\n## B\n5 MiB `make stress`\n") == ["A"]
