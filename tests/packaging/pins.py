"""The versions of constraints.txt."""

import re
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


def pins() -> dict[str, str]:
    """Returns the pinned version of each package, by its normalized name."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {normalized(name): version for name, version in pairs}


def normalized(name: str) -> str:
    """Returns a package's normalized name, as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
