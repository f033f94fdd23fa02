"""The example of docs/deployment.md: a round-robin channel to several servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.support.tools import ROOT

_PAGE = ROOT / "docs" / "deployment.md"
_TARGET = "dns:///harmony-sidecar-headless:50051"


def target(addresses: Iterable[str]) -> str:
    """Returns the target of a channel to all of these IPv4 addresses."""
    return f"ipv4:{','.join(addresses)}"


def run_example(target: str = _TARGET) -> dict[str, Any]:
    """Runs the example with another target, and returns the names that it defines."""
    (example,) = _PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    program = example.partition("```")[0]
    assert _TARGET in program
    names: dict[str, Any] = {}
    exec(compile(program.replace(_TARGET, target), str(_PAGE), "exec"), names)
    return names
