"""Which modules tests, bench, scripts and devtools may import from each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_FOLDERS = ("tests", "bench", "scripts", "devtools")
# Every suite may import these besides its own modules.
_SHARED = ("tests.support", "tests.strategies")
# What each folder may import from the folders above; for a suite, see `_allowed`.
_ALLOWED = {
    "bench": ("bench", "devtools"),
    "scripts": ("scripts", "devtools"),
    "devtools": ("devtools",),
    "tests/support": ("tests.support", "devtools"),
    "tests/strategies": ("tests.strategies", "tests.support", "devtools"),
    "tests/conftest.py": ("tests.support", "devtools"),
    # The scripts that have a test.
    "tests/conformance/test_driver.py": ("scripts.try_clients", "tests.support", "devtools"),
    "tests/conformance/test_chaos_driver.py": ("scripts.chaos_clients",),
    "tests/tools/test_generated.py": ("scripts.generate_clients", "tests.support"),
}


def _allowed(path: str) -> tuple[str, ...]:
    """Returns the packages and modules in these folders that a module may import."""
    for prefix, names in _ALLOWED.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return names
    suite = path.split("/")[1]
    return (f"tests.{suite}", *_SHARED, "devtools")


def _imports(path: str, source: str) -> Iterator[str]:
    """Yields the full name of everything that a source file imports."""
    package = path.split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*parts, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _forbidden(path: str, source: str) -> list[str]:
    """Returns the imports that a module must not have."""
    return [
        name
        for name in _imports(path, source)
        if name.split(".")[0] in _FOLDERS
        and not any(f"{name}.".startswith(f"{allowed}.") for allowed in _allowed(path))
    ]


def test_every_import_is_allowed() -> None:
    """No suite imports another, and bench, scripts and devtools import nothing from tests."""
    found = {}
    for folder in _FOLDERS:
        for file in (_ROOT / folder).rglob("*.py"):
            path = file.relative_to(_ROOT).as_posix()
            if names := _forbidden(path, file.read_text(encoding="utf-8")):
                found[path] = names
    assert not found


@pytest.mark.parametrize(
    ("path", "source", "forbidden"),
    [
        (
            "tests/server/test_x.py",
            "from tests.core.parses import parsed",
            "tests.core.parses.parsed",
        ),
        ("tests/server/test_x.py", "from tests.conftest import x", "tests.conftest.x"),
        ("tests/server/test_x.py", "from tests import core", "tests.core"),
        ("tests/server/test_x.py", "def f():\n    import tests.core", "tests.core"),
        ("tests/server/test_x.py", "from ..core import parses", "tests.core.parses"),
        ("tests/stress/wire/x.py", "from ...server.streams import x", "tests.server.streams.x"),
        ("tests/stress/x.py", "from bench import load", "bench.load"),
        ("tests/tools/x.py", "from scripts import generate_clients", "scripts.generate_clients"),
        ("tests/support/x.py", "from tests.strategies import texts", "tests.strategies.texts"),
        ("tests/strategies/x.py", "from tests.core import parses", "tests.core.parses"),
        ("bench/claims/x.py", "from tests.support import failures", "tests.support.failures"),
        ("scripts/x.py", "import tests.conformance", "tests.conformance"),
        ("devtools/x.py", "from bench.load import Usage", "bench.load.Usage"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str, forbidden: str) -> None:
    """A forbidden import is found in whichever form it is written."""
    assert _forbidden(path, source) == [forbidden]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tests/server/test_x.py", "import json, grpc, harmony_server.core"),
        ("tests/server/test_x.py", "from .conftest import x\nfrom . import y"),
        ("tests/stress/wire/x.py", "from ..scale import scaled"),
        ("tests/server/test_x.py", "from tests.support import frames"),
        ("tests/server/test_x.py", "import tests.strategies.texts, devtools.certificates"),
        ("bench/claims/x.py", "from .. import load\nfrom devtools import material"),
    ],
)
def test_an_allowed_import_is_not_reported(path: str, source: str) -> None:
    """Imports from the same suite, shared modules and installed packages are allowed."""
    assert _forbidden(path, source) == []
