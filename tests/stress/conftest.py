"""The figures of the stress tests, printed behind the tests."""

from collections.abc import Callable
from typing import Final

import pytest

_FIGURES: Final = pytest.StashKey[list[str]]()

Report = Callable[[str], None]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    """Takes a figure, to be printed behind the name of the test."""
    figures = request.config.stash.setdefault(_FIGURES, [])
    name = request.node.name
    return lambda figure: figures.append(f"{name}: {figure}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the figures."""
    if figures := terminalreporter.config.stash.get(_FIGURES, []):
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.line(figure)
