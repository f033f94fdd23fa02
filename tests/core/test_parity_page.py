"""docs/parity.md names the tests of the deviations."""

import pathlib
import re

from tests.core import test_deviations

_PAGE = pathlib.Path(__file__).parents[2] / "docs" / "parity.md"


def test_every_deviation_has_a_test() -> None:
    """The tests that the page names are those of the module, no more and no fewer."""
    named = re.findall(r"`(test_\w+)`", _PAGE.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(name for name in vars(test_deviations) if name[:5] == "test_")
