"""docs/errors.md matches the code."""

import pathlib
import re

from harmony_server.operations.errors import Reason

_PAGE = pathlib.Path(__file__).parents[2] / "docs" / "errors.md"


def test_every_reason_is_documented() -> None:
    """The page lists exactly the reasons of the enumeration."""
    rows = re.findall(r"^\| `[A-Z_]+` \| `([A-Z0-9_]+)` \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(Reason)
