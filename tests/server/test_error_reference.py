"""docs/errors.md says what the code does."""

import pathlib
import re

from harmony_server import handlers

_SERVER = pathlib.Path(handlers.__file__).parent
_PAGE = _SERVER.parent / "docs" / "errors.md"
_REASON = re.compile(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+|INTERNAL)"')


def test_every_reason_is_documented() -> None:
    """The reasons of the page are those of the code, no more and no fewer."""
    sources = [path.read_text(encoding="utf-8") for path in sorted(_SERVER.glob("*.py"))]
    in_code = {reason for source in sources for reason in _REASON.findall(source)}
    rows = re.findall(r"^\| `[A-Z_]+` \| `([A-Z0-9_]+)` \|", _PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(in_code)
