"""Figures that stress tests report, printed after the run."""

from collections.abc import Callable
from typing import Final

import pytest

_FIGURES: Final = pytest.StashKey[list[str]]()

Report = Callable[[str], None]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Records a figure, to be printed with the name of the test."""
    figures = request.config.stash.setdefault(_FIGURES, [])
    name = request.node.name
    return lambda figure: figures.append(f"{name}: {figure}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures after the test results."""
    if figures := terminalreporter.config.stash.get(_FIGURES, []):
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
