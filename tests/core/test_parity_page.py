"""docs/parity.md against the tests of the deviations."""

import pathlib
import re

from tests.core import test_deviations

_PAGE = pathlib.Path(__file__).parents[2] / "docs" / "parity.md"


def test_every_deviation_has_a_test() -> None:
    """The page names every test of test_deviations, and no other."""
    named = re.findall(r"`(test_\w+)`", _PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(name for name in vars(test_deviations) if name[:5] == "test_")
